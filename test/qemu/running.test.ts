import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { installation } from './fixtures/installed-disk.ts';
import { describeAccess } from './running/access.ts';
import { Box } from './running/box.ts';
import { describeHardening } from './running/hardening.ts';
import { describeMemory } from './running/memory.ts';
import { describeNetwork } from './running/network.ts';
import { describePage } from './running/page.ts';
import { describeRecovery } from './running/recovery.ts';
import { describeSecrets } from './running/secrets.ts';
import { describeSite } from './running/site.ts';

/** One installed appliance, started once and looked at from every side; what disturbs it comes last. */

let box: Box;
const running = () => box;

beforeAll(async () => {
  box = await Box.start('running');
  try {
    const { health, identity } = await box.appliance.judged();
    expect(health.outcome).toBe('healthy');
    // Without the configuration of the medium nobody can log in, and every test would fail for that one reason.
    expect(identity.siteId, 'the installer took the config.yaml of the medium').toBe(installation().siteId);
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
describeSecrets(running);
describeSite(running);
describeRecovery(running);
