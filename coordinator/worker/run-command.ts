import { KILL_GRACE_MS, OUTPUT_END_MS } from './limits.ts';

export interface CommandEnd {
  /** `exited`: by itself; `timeout`: it was ended; `stopped`: nobody wants it any more. */
  how: 'exited' | 'timeout' | 'stopped';
  /** Null: a signal ended it. */
  code: number | null;
}

/**
 * Runs a command line with a shell as a process group of its own. When it ends, however it does, all of the group ends: nothing that it
 * started in the background goes on.
 *
 * @param onText what it prints, as it comes, standard output and error together
 * @param stop ends it before its time
 */
export async function runCommand(
  command: string,
  options: {
    folder: string;
    environment: Record<string, string>;
    timeout_ms: number;
    stop: AbortSignal;
    onText: (text: string) => void;
  },
): Promise<CommandEnd> {
  const child = Bun.spawn(['/bin/sh', '-c', command], {
    ...{ cwd: options.folder, env: options.environment, detached: true },
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  });
  let how: CommandEnd['how'] = 'exited';
  let killing: ReturnType<typeof setTimeout> | undefined;
  const end = (why: CommandEnd['how']) => {
    if (how !== 'exited') return;
    how = why;
    signalGroup(child.pid, 'SIGTERM');
    killing = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_GRACE_MS);
  };
  const timer = setTimeout(() => end('timeout'), options.timeout_ms);
  const stopped = () => end('stopped');
  if (options.stop.aborted) stopped();
  else options.stop.addEventListener('abort', stopped);
  const read = Promise.all([child.stdout, child.stderr].map((stream) => pass(stream, options.onText)));
  try {
    const code = await child.exited;
    signalGroup(child.pid, 'SIGKILL');
    await Promise.race([read, Bun.sleep(OUTPUT_END_MS)]);
    return { how, code: child.signalCode === null ? code : null };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    options.stop.removeEventListener('abort', stopped);
  }
}

async function pass(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') onText(text);
  }
}

function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in it.
  }
}
