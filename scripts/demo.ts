import { Command } from 'commander';
import { BulkheadError, errorLines } from '../base/errors.ts';
import { follow } from './demo/follow.ts';
import { makeRelease } from './demo/release.ts';
import { ask, cli, readAccount } from './start/coordinator.ts';
import { lookAround } from './start/workplace.ts';

/**
 * `npm run demo:update` and `npm run demo:rollback`: a release for the appliance of `npm start`, by way of its coordinator.
 */

type Kind = 'update' | 'rollback';

const TOLD: Readonly<Record<Kind, string>> = {
  update:
    'Publishes a new release on the coordinator of npm start and shows it rolling out to its appliance.',
  rollback:
    'Publishes a release that no gate passes, and shows the appliance coming back from it and the rollout stopping by itself.',
};

const program = new Command('demo')
  .description('a release for the appliance of npm start, which has to be running in another terminal')
  .showHelpAfterError();
for (const kind of ['update', 'rollback'] as const)
  program
    .command(kind)
    .description(TOLD[kind])
    .action(() => demonstrate(kind));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(errorLines(error));
  process.exitCode = 1;
}
process.exit();

async function demonstrate(kind: Kind): Promise<void> {
  const account = readAccount();
  if (!account || lookAround().running?.url === undefined)
    throw new BulkheadError('DEMO_NOTHING_RUNS', 'no appliance with a coordinator is running', {
      hint: 'npm start in another terminal, and wait until it is healthy',
    });
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const { devices } = (await ask(account, 'GET', '/api/v1/devices')) as unknown as {
    devices: { id: string; hostname: string; image_version: string | null; presence: string }[];
  };
  const [device] = devices;
  if (device?.image_version == null || device.presence !== 'online')
    throw new BulkheadError('DEMO_NOT_ENROLLED', 'the appliance is not online at its coordinator', {
      hint: 'npm start says when it is',
    });
  const { releases } = (await ask(account, 'GET', '/api/v1/releases')) as unknown as {
    releases: { version: string }[];
  };
  say(`${device.hostname} runs ${device.image_version}.`);
  const release = await makeRelease(
    kind,
    device.image_version,
    releases.map(({ version }) => version),
    say,
  );
  say(`Publishing ${release.version} on ${account.url} …`);
  await cli(account, ['release', 'upload', release.file, '--channel', 'demo', '--notes', release.notes]);
  const rollout = await ask(account, 'POST', '/api/v1/rollouts', {
    ...{ version: release.version, cohort: 'all', name: `demo: ${kind} to ${release.version}` },
    ...{ stages: [{ percent: 100 }], soak_ms: 0, errors_max_count: 0, errors_max_percent: 0 },
  });
  await ask(account, 'POST', `/api/v1/rollouts/${String(rollout['id'])}/actions`, { action: 'approve' });
  await follow(account, { rollout_id: String(rollout['id']), device_id: device.id, kind }, say);
}
