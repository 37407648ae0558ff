import { expect, test } from 'vitest';
import { simulatedAppliance } from '../../test/coordinator/appliance.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { publishRelease } from '../client/publish.ts';
import { runProgram } from '../program.ts';

const box = installLab();

test('an operator rolls a release out and back from the command line alone', async () => {
  const lab = await startLab({ release_keys: TEST_KEYS_FILE, plan_interval_ms: 20 });
  await box.full('new');
  await publishRelease(await administrator(lab), box.bundleFile('new'), { channel: 'stable', floors: [] });
  const appliance = await simulatedAppliance(lab);
  const token = `${makeFolder('token')}/token`;
  await Bun.write(token, await lab.admin());
  const rollout = async (...args: string[]) => {
    const said = { out: '', err: '', code: 0 };
    await runProgram(['rollout', ...args, '--server', lab.url, '--token-file', token], {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExitCode: (code) => (said.code = code),
    });
    return said;
  };
  const made = await rollout(
    'create',
    '1.1.0',
    '--cohort',
    'all',
    '--stages',
    '1,2',
    '--more',
    '{"soak_ms":0}',
  );
  const { id } = JSON.parse(made.out) as { id: string };
  expect((await rollout('preview', id)).out).toContain('update to 1.1.0');
  expect((await rollout('pause', id)).err).toContain('ROLLOUT_ACTION_REFUSED');
  expect((await rollout('approve', id)).code).toBe(0);
  const become = async (phase: string) => {
    await expect
      .poll(
        async () => {
          await appliance.turn();
          return (await rollout('list')).out;
        },
        { timeout: 5000 },
      )
      .toContain(phase);
  };
  await become('completed');
  expect((await rollout('members', id)).out).toContain('succeeded');
  expect((await rollout('plans', id)).out).toContain('1 ordered to update');
  expect((await rollout('show', id)).out).toContain('"phase": "completed"');
  expect((await rollout('rollback', id)).code).toBe(0);
  await become('rolled_back');
  expect(appliance.version).toBe('1.0.0');
  expect((await rollout('create', '1.1.0', '--cohort', 'all', '--stages', 'some')).err).toContain(
    'sizes such as',
  );
});
