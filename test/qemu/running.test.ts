import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { describeAccess } from './running/access.ts';
import { Box } from './running/box.ts';
import { describeHardening } from './running/hardening.ts';
import { describeMemory } from './running/memory.ts';
import { describeNetwork } from './running/network.ts';
import { describePage } from './running/page.ts';
import { describeRecovery } from './running/recovery.ts';

/** One installed appliance, started once and looked at from every side; what disturbs it comes last. */

let box: Box;
const running = () => box;

beforeAll(async () => {
  box = await Box.start('running');
  try {
    expect((await box.appliance.judged()).health.outcome).toBe('healthy');
  } catch (error) {
    box.machine.keepLogs();
    throw error;
  }
}, 3 * HEALTHY_TIMEOUT_MS);
afterEach(({ task }) => {
  if (task.result?.state === 'fail') box.machine.keepLogs();
});
afterAll(() => box?.stop());

describePage(running);
describeHardening(running);
describeAccess(running);
describeNetwork(running);
describeMemory(running);
describeRecovery(running);
