import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { KILL_TIMEOUT_MS } from './limits.ts';
import { SerialText, TimedLines } from './serial-text.ts';

/** Exit status of flock(1) when somebody else holds the lock; QEMU itself ends with 0 or 1. */
const LOCK_TAKEN = 75;
const STDERR_MAX_CHARS = 64 * 1024;

/** How QEMU ended. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

/**
 * One running QEMU with its serial line on its standard streams.
 *
 * It dies with the thread that started it, however that ends (`setpriv --pdeathsig`), sits in a session of its own so that
 * Ctrl-C in a terminal reaches the test and not the machine, and itself holds the lock that limits how many
 * machines run: whoever kills it frees its place.
 */
export class QemuProcess {
  readonly serial = new SerialText();
  readonly startedAt_ms = Date.now();
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  private stderr = '';
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(args: readonly string[], lockFile: string | undefined, logFolder: string) {
    const lock = lockFile === undefined ? [] : lockCommand(lockFile);
    const command = ['setpriv', '--pdeathsig', 'KILL', ...lock, 'qemu-system-x86_64', ...args];
    writeFileSync(join(logFolder, 'qemu.log'), `${command.map(quote).join(' ')}\n`);
    const [program = '', ...rest] = command;
    this.child = spawn(program, rest, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const lines = new TimedLines(() => this.elapsed_ms);
    const serialLog = join(logFolder, 'serial.log');
    writeFileSync(serialLog, '');
    this.child.stdout.on('data', (bytes: Uint8Array) =>
      appendFileSync(serialLog, lines.stamp(this.serial.push(bytes))),
    );
    this.child.stderr.on('data', (bytes: Uint8Array) => {
      this.stderr = (this.stderr + new TextDecoder().decode(bytes)).slice(-STDERR_MAX_CHARS);
      appendFileSync(join(logFolder, 'qemu.log'), bytes);
    });
    // A machine that is gone cannot be typed at; that it is gone is reported by whoever waits for an answer.
    this.child.stdin.on('error', () => {});
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', (cause) =>
        reject(
          new BulkheadError('MACHINE_START_FAILED', 'cannot start QEMU', {
            cause,
            hint: 'node scripts/setup.mjs',
          }),
        ),
      );
      this.child.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    this.exited.catch(() => {}); // Whoever waits gets it; a machine that nobody waits for any more does not matter.
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get elapsed_ms(): number {
    return Date.now() - this.startedAt_ms;
  }

  get alive(): boolean {
    return this.exit === undefined;
  }

  /** Ended at once because the place in the queue was taken. */
  get lostLock(): boolean {
    return this.exit?.code === LOCK_TAKEN;
  }

  /** What QEMU itself said, for error messages. */
  get words(): string {
    return this.stderr.trim();
  }

  write(bytes: Uint8Array): void {
    this.child.stdin.write(bytes);
  }

  /** SIGKILL, and back when the process is gone. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    this.child.kill('SIGKILL');
    const late = Bun.sleep(KILL_TIMEOUT_MS).then(() => {
      if (this.alive) throw new BulkheadError('MACHINE_KILL_FAILED', `QEMU (${this.pid}) outlived SIGKILL`);
    });
    await Promise.race([this.exited, late]);
  }
}

/** The lock files that stand for the places of one queue of this user's machines. */
export function lockFiles(queue: string, places: number): string[] {
  const folder = join(tmpdir(), `bulkhead-machines-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return Array.from({ length: places }, (_, place) => join(folder, `${queue}-${place}.lock`));
}

function lockCommand(file: string): string[] {
  return ['flock', '--nonblock', '--no-fork', '--conflict-exit-code', String(LOCK_TAKEN), file];
}

/** For a command line that can be pasted into a shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
