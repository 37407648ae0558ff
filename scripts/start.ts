import { BulkheadError, errorLines } from '../base/errors.ts';
import type { Machine } from '../test/qemu/harness/machine.ts';
import { freePort } from '../test/qemu/harness/ports.ts';
import { startMachine } from '../test/qemu/harness/start-machine.ts';
import { Progress } from './progress.ts';
import { imageKeyset } from './release-keys.ts';
import { build } from './start/build.ts';
import {
  type Account,
  forgetCoordinator,
  readAccount,
  type StartedCoordinator,
  startCoordinator,
  untilEnrolled,
} from './start/coordinator.ts';
import { fetchHealth } from './start/health.ts';
import { Interrupt } from './start/interrupt.ts';
import { install, machineOptions, type PowerOff, shutDown, untilHealthy } from './start/machine.ts';
import { makeMedium } from './start/medium.ts';
import { parseStartOptions, type StartOptions } from './start/options.ts';
import { describeStaleDisk, type Found, planStaleDisk, planStart } from './start/plan.ts';
import * as workplace from './start/workplace.ts';

/** `npm start`: from a checkout to a healthy appliance in a virtual machine. See docs/develop/boot-tests.md. */

const POWER_OFF: Readonly<Record<PowerOff, string>> = {
  button: 'The appliance is off.',
  keyboard: 'The appliance is off; it did not heed its power button, so Ctrl-Alt-Delete was pressed.',
  plug: 'The plug was pulled.',
};

const print = (text: string) => process.stdout.write(`${text}\n`);

try {
  process.exitCode = await start(parseStartOptions(process.argv.slice(2)), new Interrupt(process));
} catch (error) {
  process.stderr.write(errorLines(error));
  process.exitCode = error instanceof BulkheadError && error.code === 'START_INTERRUPTED' ? 130 : 1;
} finally {
  workplace.withdraw();
}
// A wait that Ctrl-C has ended may still hold a timer; nothing of it matters any more.
process.exit();

/** @returns the exit status */
async function start(options: StartOptions, interrupt: Interrupt): Promise<number> {
  const found = workplace.lookAround();
  const plan = planStart(found, options);
  if (plan.kind === 'refuse') throw new BulkheadError(plan.code, plan.reason, { hint: plan.hint });
  if (plan.kind === 'show') {
    await refuseStale(found, options);
    return showRunning(plan);
  }
  await refuseTaken(options.port, '--port 9000');
  if (options.coordinator && coordinatorPort(options) === options.port)
    throw new BulkheadError(
      'START_PORT_TWICE',
      `page and coordinator cannot both have port ${options.port}`,
      {
        hint: 'npm start -- --port 9000 gives the page another one',
      },
    );
  workplace.announce();
  const installs = plan.kind === 'install';
  const progress = new Progress(process.stderr, Number(options.build) + Number(installs) + 1);
  if (options.build) {
    const running = build(interrupt);
    await timed(progress, 'Building the image', 'build', running.said, () => running.done);
  }
  const iso = await workplace.describeIso();
  const stale = !installs && found.disk ? describeStaleDisk(found.disk, iso) : undefined;
  const renews = planStaleDisk(stale, { check: options.check, running: false }) === 'install';
  if (renews) progress.addStep();
  else if (stale) progress.line(`note: ${stale}`);
  if (installs || renews) {
    workplace.blankDisk();
    forgetCoordinator();
  }
  const coordinator = await coordinatorOf(options, installs || renews, progress);
  try {
    if (installs || renews) {
      await makeMedium(coordinator?.configuration(await coordinator.enrolmentCode()));
      await follow(progress, 'Installing onto a blank disk', 'install', (seen) =>
        install(options, interrupt, seen),
      );
      workplace.markInstalled(iso);
    }
    return await run(options, interrupt, progress, coordinator);
  } finally {
    await coordinator?.stop();
  }
}

/** Undefined where none is wanted, or where the installed disk belongs to none. */
async function coordinatorOf(
  options: StartOptions,
  installs: boolean,
  progress: Progress,
): Promise<StartedCoordinator | undefined> {
  if (!options.coordinator) return undefined;
  const known = readAccount();
  if (!known && !installs) {
    progress.line("note: this disk belongs to no coordinator; 'npm start -- --fresh' installs one that does");
    return undefined;
  }
  const port = coordinatorPort(options);
  await refuseTaken(port, known ? '--fresh --coordinator-port 9443' : '--coordinator-port 9443');
  return startCoordinator(port, imageKeyset(process.env, workplace.BUILD, Date.now()));
}

/** The address is on the disk: what was installed asks for the port that it was installed with. */
function coordinatorPort(options: StartOptions): number {
  const known = options.fresh ? undefined : readAccount();
  return known ? Number(new URL(known.url).port) : options.coordinatorPort;
}

/** @throws BulkheadError START_PORT_IN_USE */
async function refuseTaken(port: number, instead: string): Promise<void> {
  if ((await freePort(port)) !== undefined) return;
  throw new BulkheadError('START_PORT_IN_USE', `port ${port} of this computer is in use`, {
    hint: `npm start -- ${instead} uses another one`,
  });
}

/** @throws BulkheadError START_CHECK_STALE when a check would be about another image than the ISO that was built last */
async function refuseStale({ disk }: Found, { check }: StartOptions): Promise<void> {
  if (!check) return;
  const stale = disk && describeStaleDisk(disk, await workplace.describeIso());
  if (planStaleDisk(stale, { check, running: true }) === 'refuse') {
    throw new BulkheadError('START_CHECK_STALE', `the running appliance is not what was built: ${stale}`, {
      hint: 'end it with Ctrl-C in its terminal, then check again',
    });
  }
}

/** Starts the installed disk, shows what came of it, and stays until Ctrl-C. */
async function run(
  options: StartOptions,
  interrupt: Interrupt,
  progress: Progress,
  coordinator: StartedCoordinator | undefined,
): Promise<number> {
  const url = `http://localhost:${options.port}`;
  const machine = await startMachine(machineOptions(options, 'run'));
  try {
    const health = await follow(progress, 'Starting the appliance', 'boot', (seen) => {
      seen(machine);
      return untilHealthy(machine, url, interrupt);
    });
    workplace.announce(url);
    print(health.lines.join('\n'));
    if (coordinator) {
      print(`Coordinator  ${await untilEnrolled(coordinator, interrupt)}`);
      print(signInLines(coordinator));
    }
    if (options.check) return 0;
    if (options.display === 'vnc') print('Screen       vnc://127.0.0.1:5900');
    print(`Console log  ${machine.logFolder}/serial.log\n\nCtrl-C shuts it down.`);
    await Promise.race([interrupt.asked, machine.off]);
    if (!machine.running) print('The appliance has switched itself off.');
    return 0;
  } finally {
    await end(machine, interrupt);
  }
}

function signInLines({ url, user, password }: Account): string {
  return `             ${url}  sign in as ${user} with ${password}\n             (its certificate is this checkout's own: the browser asks)`;
}

async function end(machine: Machine, interrupt: Interrupt): Promise<void> {
  if (!machine.running) return machine.stop();
  print('Shutting down; a second Ctrl-C pulls the plug.');
  print(POWER_OFF[await shutDown(machine, interrupt.insisted)]);
}

/** The appliance of another terminal: its health, without touching it. */
async function showRunning({ url, pid }: { url: string; pid: number }): Promise<number> {
  const health = await fetchHealth(url);
  print(health.lines.join('\n'));
  const account = readAccount();
  if (account) print(signInLines(account));
  print(
    `\nIt runs already, started by process ${pid}. Ctrl-C in its terminal shuts it down, or: kill ${pid}`,
  );
  return health.healthy ? 0 : 1;
}

/** A step whose detail is the last line of a machine's console. */
function follow<Result>(
  progress: Progress,
  title: string,
  key: string,
  work: (seen: (machine: Machine) => void) => Promise<Result>,
): Promise<Result> {
  let watched: Machine | undefined;
  const said = () => watched?.serialText ?? '';
  return timed(progress, title, key, said, () =>
    work((machine) => {
      watched = machine;
    }),
  );
}

/** Shows how long it took last time, and remembers how long it took now. */
async function timed<Result>(
  progress: Progress,
  title: string,
  key: string,
  said: () => string,
  work: () => Promise<Result>,
): Promise<Result> {
  const expected_s = workplace.readDurations()[key];
  const { result, seconds } = await progress.step(title, { expected_s, said }, work);
  workplace.rememberDuration(key, seconds);
  return result;
}
