import { withDeadline } from './deadline.ts';
import { BulkheadError } from './errors.ts';
import { COMMAND_OUTPUT_MAX_BYTES, COMMAND_SHOWN_MAX, COMMAND_TIMEOUT_MS, KILL_GRACE_MS } from './limits.ts';

/** What an outside command left behind. `code` is null when a signal ended it. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Text for standard input; none when absent. */
  input?: string;
  /** Deadline in milliseconds; the process is killed when it passes. Default COMMAND_TIMEOUT_MS. */
  timeout_ms?: number;
  /** Extra environment on top of a minimal one (PATH, LANG=C.UTF-8). */
  env?: Record<string, string>;
}

/** Runs a program without a shell. Handed in wherever a part needs one, so that a test can hand in another. */
export type Run = (program: string, args: readonly string[], options?: RunOptions) => Promise<CommandResult>;

/** As much of a stream's reader as is needed: the types of Bun and Node disagree about the rest. */
interface Output {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

/** The last one is where a NixOS keeps the programs of its system; elsewhere nobody but root could make it. */
const SAFE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin';

/**
 * Runs a program to its end with a deadline and bounded output. The deadline holds whatever the program does: one that hangs in the
 * kernel, as programs do that wait for a dead disk, is left behind, and so is what it started and what holds its output open.
 *
 * @throws BulkheadError COMMAND_NOT_FOUND, COMMAND_TIMEOUT; a non-zero exit code is returned, not thrown.
 */
export const run: Run = async (program, args, options = {}) => {
  const timeout_ms = options.timeout_ms ?? COMMAND_TIMEOUT_MS;
  const shown = shownCommand(program, args);
  let child: ReturnType<typeof spawnPiped>;
  try {
    child = spawnPiped(program, args, options);
  } catch (cause) {
    throw new BulkheadError('COMMAND_NOT_FOUND', `cannot start '${shown}'`, { cause });
  }
  const outputs = [child.stdout.getReader(), child.stderr.getReader()] as const;
  const ended = Promise.all([readBounded(outputs[0]), readBounded(outputs[1]), child.exited]);
  const done = await withDeadline(ended, timeout_ms, () => undefined);
  if (done) return { code: child.exitCode, stdout: done[0], stderr: done[1] };
  child.kill('SIGKILL');
  const gone = await withDeadline(
    child.exited.then(() => true),
    KILL_GRACE_MS,
    () => false,
  );
  for (const output of outputs) void output.cancel().catch(() => undefined); // Nobody reads on: an error of it is no matter.
  child.unref();
  throw new BulkheadError(
    'COMMAND_TIMEOUT',
    `'${shown}' was still running after ${timeout_ms} ms and ${gone ? 'was killed' : 'could not be killed'}`,
  );
};

/**
 * Like `run`, but a non-zero exit is an error that carries the program's own words.
 *
 * @throws BulkheadError COMMAND_FAILED, and what `run` throws.
 */
export async function runOrThrow(
  runner: Run,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const result = await runner(program, args, options);
  if (result.code !== 0) {
    const words = (result.stderr.trim() || result.stdout.trim()).slice(-2000);
    throw new BulkheadError(
      'COMMAND_FAILED',
      `'${shownCommand(program, args)}' ended with ${result.code}: ${words}`,
    );
  }
  return result.stdout;
}

/** A command as messages name it: long argument lists are cut, their beginning says enough. */
function shownCommand(program: string, args: readonly string[]): string {
  const whole = [program, ...args].join(' ');
  return whole.length <= COMMAND_SHOWN_MAX ? whole : `${whole.slice(0, COMMAND_SHOWN_MAX)} …`;
}

function spawnPiped(program: string, args: readonly string[], options: RunOptions) {
  return Bun.spawn([program, ...args], {
    stdin: options.input === undefined ? 'ignore' : new TextEncoder().encode(options.input),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: SAFE_PATH, LANG: 'C.UTF-8', ...options.env },
  });
}

/** Reads to the end but keeps only the last COMMAND_OUTPUT_MAX_BYTES, so a chatty program cannot fill memory. */
async function readBounded(output: Output): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size_bytes = 0;
  for (;;) {
    const { done, value } = await output.read();
    if (done || value === undefined) return new TextDecoder().decode(Buffer.concat(chunks));
    chunks.push(value);
    size_bytes += value.length;
    while (chunks[0] && size_bytes - chunks[0].length >= COMMAND_OUTPUT_MAX_BYTES) {
      size_bytes -= chunks[0].length;
      chunks.shift();
    }
  }
}
