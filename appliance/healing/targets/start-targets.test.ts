import { expect, test } from 'vitest';
import type { TargetConfig } from '../../config/schema-targets.ts';
import { completeTarget } from '../../config/target-entries.ts';
import type { Detection } from '../../findings/detection.ts';
import { freePort } from './lab/ssh-server.ts';
import { startTargets, type TargetList } from './start-targets.ts';

test('declared machines are known to healing by name with their tier, and listed with what the last look found', async () => {
  const found: Detection[] = [];
  const config = completeTarget({
    ...{
      name: 'files',
      address: '127.0.0.1',
      way: 'ssh',
      port: await freePort(),
      user: 'x',
      password: 'secret',
    },
    ...{ host_key: `SHA256:${'A'.repeat(43)}`, tier: 'self_heal', interval_s: 0.1 },
  }) as TargetConfig;
  const targets = await startTargets({
    configs: [config],
    findings: {
      async record(list) {
        found.push(...list);
        return [];
      },
    },
    now: () => new Date(),
    warn: (message) => expect(message).toBe('nothing'),
  });
  const known = targets.machine('t-files');
  expect(known?.facts).toEqual({ platform: 'linux', tier: 'self_heal', reachable: true });
  expect([targets.machine('t-other'), targets.machine('files')]).toEqual([null, null]);
  for (let tries = 0; found.length === 0 && tries < 200; tries += 1) await Bun.sleep(20);
  expect(found[0]).toMatchObject({ subject: 't-files', check_type: 'target.reachable', passed: false });
  // Healing leaves alone what cannot be reached.
  expect(targets.machine('t-files')?.facts.reachable).toBe(false);
  const answer = await targets.control.handle(new Request('http://localhost/v1/targets'));
  const text = await answer.text();
  const { targets: listed } = JSON.parse(text) as TargetList;
  expect(listed).toMatchObject([{ name: 'files', reachable: false, failing: ['target.reachable'] }]);
  expect(text).not.toContain('secret');
  await targets.stop();
});
