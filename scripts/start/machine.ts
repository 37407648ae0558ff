import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Status } from '../../status-page/status.ts';
import type { Machine } from '../../test/qemu/harness/machine.ts';
import type { MachineOptions } from '../../test/qemu/harness/options.ts';
import { startMachine } from '../../test/qemu/harness/start-machine.ts';
import { findRescue } from './console.ts';
import { describeHealth, type Health, parseStatus } from './health.ts';
import type { Interrupt } from './interrupt.ts';
import {
  BUTTON_TIMEOUT_MS,
  CONSOLE_LOOK_MS,
  HEALTHY_TIMEOUT_MS,
  INSTALL_TIMEOUT_MS,
  SHUTDOWN_TIMEOUT_MS,
} from './limits.ts';
import type { StartOptions } from './options.ts';
import { DISK, emptyLogFolder, MEDIUM } from './workplace.ts';

const HTTP_PORT = 80;
/** First words of the installer's last line, see iso/installer/lines.ts. */
const INSTALL_ENDED = /bulkhead-install: (finished|failed)[^\n]*\n/;

/** The virtual appliance as `npm start` has it: a disk, a page, a bit of memory, a watchdog like the real one. */
export function machineOptions(options: StartOptions, name: 'install' | 'run'): MachineOptions {
  return {
    ...{ name: `start-${name}`, disks: [{ path: DISK }], memory_mb: options.memory_mb },
    ...{ display: displayOf(options.display), watchdog: 'i6300esb', queue: false },
    ...{ logFolder: emptyLogFolder(name), keepLogs: true },
    ...(name === 'install'
      ? { cdrom: MEDIUM, network: 'none' }
      : { forwards: { [HTTP_PORT]: options.port } }),
  };
}

/**
 * Boots the ISO and lets it install itself.
 *
 * @throws BulkheadError START_INSTALL_FAILED with the installer's words, START_INTERRUPTED
 */
export async function install(
  options: StartOptions,
  interrupt: Interrupt,
  started: (machine: Machine) => void,
) {
  const machine = await startMachine(machineOptions(options, 'install'));
  started(machine);
  try {
    const ended = await interrupt.orElse(machine.waitForSerial(INSTALL_ENDED, INSTALL_TIMEOUT_MS));
    if (ended.groups[0] === 'failed') {
      // The reason and the advice follow on the next lines.
      await Bun.sleep(1_000);
      const words = machine.serialText.slice(machine.serialText.lastIndexOf(ended.text)).trim();
      throw new BulkheadError('START_INSTALL_FAILED', words, {
        hint: `console: ${machine.logFolder}/serial.log`,
      });
    }
    await interrupt.orElse(machine.waitForPowerOff(SHUTDOWN_TIMEOUT_MS));
  } finally {
    await machine.stop();
  }
}

/**
 * Waits until the appliance says that it is healthy.
 *
 * @throws BulkheadError START_UNHEALTHY with the reason, START_INTERRUPTED
 */
export async function untilHealthy(machine: Machine, url: string, interrupt: Interrupt): Promise<Health> {
  let last: Health | undefined;
  const judge = (body: string): boolean => {
    const status: Status = parseStatus(body);
    last = describeHealth(url, status);
    return last.healthy;
  };
  const wait = machine
    .http(HTTP_PORT)
    .waitForHttp('/api/v1/status', (answer) => judge(answer.body), HEALTHY_TIMEOUT_MS);
  const console = watchForRescue(machine);
  try {
    await interrupt.orElse(Promise.race([wait, console.rescue]));
  } catch (cause) {
    if (cause instanceof BulkheadError && cause.code === 'START_INTERRUPTED') throw cause;
    throw new BulkheadError('START_UNHEALTHY', last ? last.reason : describeError(cause), {
      cause,
      hint: `console: ${machine.logFolder}/serial.log`,
    });
  } finally {
    console.stop();
  }
  if (!last) throw new BulkheadError('START_UNHEALTHY', 'no status was read');
  return last;
}

/** How the appliance went off. */
export type PowerOff = 'button' | 'keyboard' | 'plug';

/**
 * Shuts the appliance down: by its power button; by Ctrl-Alt-Delete when it does not heed the button; by pulling the plug
 * after SHUTDOWN_TIMEOUT_MS or when the person insists.
 */
export async function shutDown(machine: Machine, insisted: Promise<void>): Promise<PowerOff> {
  let insists = false;
  const stopAsking = insisted.then(() => {
    insists = true;
  });
  const offWithin = async (timeout_ms: number): Promise<boolean> => {
    await Promise.race([machine.off, stopAsking, Bun.sleep(timeout_ms)]);
    return !machine.running;
  };
  try {
    await machine.powerButton();
    if (await offWithin(BUTTON_TIMEOUT_MS)) return 'button';
    if (!insists) {
      await machine.offInsteadOfRestart();
      await machine.ctrlAltDelete();
      if (await offWithin(SHUTDOWN_TIMEOUT_MS - BUTTON_TIMEOUT_MS)) return 'keyboard';
    }
    return 'plug';
  } finally {
    await machine.stop();
  }
}

/** An appliance in rescue mode does not become healthy by waiting. */
function watchForRescue(machine: Machine): { rescue: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // The race may be over before.
  const timer = setInterval(() => {
    const reason = findRescue(machine.serialText);
    if (reason) reject(new Error(reason));
  }, CONSOLE_LOOK_MS);
  return { rescue: promise, stop: () => clearInterval(timer) };
}

function displayOf(display: StartOptions['display']): string {
  return display === 'vnc' ? 'vnc=127.0.0.1:0' : display;
}
