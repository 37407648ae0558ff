import type { CommandIo } from '../../base/command-line.ts';
import type { InstallResult } from '../../updater/install/install.ts';
import type { UpdateProgress } from '../../updater/state/records.ts';
import { calledOffBySignals } from './called-off.ts';
import { LINE_INTERVAL_MS } from './limits.ts';
import { runUpdate, type UpdateRequest } from './run-update.ts';
import type { UpdateTools } from './update-tools.ts';

/** Runs an update in front of somebody: progress on standard error, or events as JSON, until SIGINT or SIGTERM stops it. */
export async function followUpdate(
  tools: UpdateTools,
  io: CommandIo,
  request: UpdateRequest,
  asJson: boolean,
): Promise<InstallResult> {
  const calledOff = calledOffBySignals();
  const terminal = process.stderr.isTTY === true;
  const line = (text: string) => io.err(`${terminal ? '\n' : ''}${text}\n`);
  let said_ms = 0;
  let said = '';
  const show = ({ message, fetched_bytes, phase }: UpdateProgress) => {
    if (asJson) return;
    const words = `${phase}: ${message} (${(fetched_bytes / 1024 / 1024).toFixed(1)} MiB fetched)`;
    const now_ms = Date.now();
    if (terminal) io.err(`\r\u001b[K${words}`);
    else if (now_ms - said_ms >= LINE_INTERVAL_MS && words !== said) {
      said_ms = now_ms;
      said = words;
      io.err(`${words}\n`);
    }
  };
  try {
    return await runUpdate(tools, request, {
      onProgress: show,
      onEvent: (event) => {
        if (asJson) io.out(`${JSON.stringify(event)}\n`);
        else if (event.event === 'method-failed') line(`${event.message}; trying another way`);
      },
      onWarning: (message) => line(`warning: ${message}`),
      signal: calledOff.signal,
    });
  } finally {
    if (terminal && !asJson) io.err('\n');
    calledOff.end();
  }
}

export function readyText({ version, slot, pending }: InstallResult): string {
  const when = {
    no: 'it is tried on the next boot',
    now: 'rebooting now',
    window: 'it is tried in the next maintenance window',
  }[pending.reboot];
  return `${version} is in slot ${slot}; ${when}`;
}
