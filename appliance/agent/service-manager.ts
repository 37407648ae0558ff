import { describeError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { NOTIFY_TIMEOUT_MS } from './limits.ts';

/** The service manager that started this process; every call does nothing when there is none (a workstation). */
export interface ServiceManager {
  /** Started: the port answers. The unit waits for this (Type=notify). */
  ready(status: string): Promise<void>;
  /** Still alive. */
  alive(): Promise<void>;
  /** One sentence for `systemctl status`. */
  tell(status: string): Promise<void>;
  stopping(): Promise<void>;
  /** Milliseconds after which `alive` is due again: half of what the unit allows (sd_watchdog_enabled(3)); null: not asked for. */
  aliveInterval_ms: number | null;
}

/**
 * Speaks sd_notify(3) through systemd-notify(1). Bun has no Unix datagram sockets, and bun:ffi, which could open one, needs the
 * just-in-time compiler: it is gone under MemoryDenyWriteExecute and BUN_JSC_useJIT=0. The program costs some
 * milliseconds every WATCHDOG_USEC / 2, works in any sandbox, and waits until systemd has read the message, so that
 * the sender still exists when systemd looks which unit it belongs to. The unit needs NotifyAccess=all for that.
 *
 * @param environment that of the process: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID
 * @param warn        told when a message cannot be sent; never thrown, because the page is worth more than a message
 */
export function createServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  run: Run,
  warn: (message: string) => void,
): ServiceManager {
  const socket = environment['NOTIFY_SOCKET'];
  const send = async (...words: string[]): Promise<void> => {
    if (!socket) return;
    try {
      await runOrThrow(run, 'systemd-notify', words, {
        env: { NOTIFY_SOCKET: socket },
        timeout_ms: NOTIFY_TIMEOUT_MS,
      });
    } catch (error) {
      warn(`cannot tell the service manager: ${describeError(error)}`);
    }
  };
  return {
    ready: (status) => send('--ready', `--status=${oneLine(status)}`),
    alive: () => send('WATCHDOG=1'),
    tell: (status) => send(`--status=${oneLine(status)}`),
    stopping: () => send('STOPPING=1'),
    aliveInterval_ms: socket ? watchdogInterval(environment) : null,
  };
}

/** Half of WATCHDOG_USEC in milliseconds; null when it is absent, no number, or meant for another process. */
export function watchdogInterval(environment: Readonly<Record<string, string | undefined>>): number | null {
  const microseconds = environment['WATCHDOG_USEC'];
  const pid = environment['WATCHDOG_PID'];
  if (!microseconds || !/^[1-9]\d{0,15}$/.test(microseconds)) return null;
  if (pid && pid !== String(process.pid)) return null;
  return Math.max(1, Math.floor(Number(microseconds) / 2000));
}

/** A line break would end the message and start another assignment. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
