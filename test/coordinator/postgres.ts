import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';

export interface PostgresLab {
  /** Address of a new, empty database. */
  makeDatabase(): Promise<string>;
  stop(): Promise<void>;
}

const BINARIES = '/usr/lib/postgresql';
/** Debian's own user of PostgreSQL, which refuses to run as root. */
const USER = 'postgres';

/** For tests: what is lost with the power is lost. */
const UNSAFE = '-c fsync=off -c synchronous_commit=off -c full_page_writes=off';

/**
 * A PostgreSQL of its own in a folder, on a socket only.
 *
 * @param folder empty; its path short enough for a socket (107 characters)
 * @param durable whether what it acknowledges is on the disk, as where it is in earnest
 */
export async function startPostgres(folder: string, { durable = false } = {}): Promise<PostgresLab> {
  const [version] = readdirSync(BINARIES).sort().reverse();
  const program = (name: string) => join(BINARIES, version ?? '', 'bin', name);
  const data = join(folder, 'data');
  mkdirSync(data);
  chmodSync(folder, 0o755);
  const asUser = await prefixFor(folder, data);
  const call = (name: string, ...args: string[]) => {
    const [first = program(name), ...rest] = [...asUser, program(name), ...args];
    return runOrThrow(run, first, rest, { timeout_ms: 60_000 });
  };
  await call('initdb', '-D', data, '-A', 'trust', '-U', USER, '--no-sync', '--no-locale', '-E', 'UTF8');
  const settings = `-k ${folder} -c listen_addresses= ${durable ? '' : UNSAFE}`;
  await call('pg_ctl', '-D', data, '-s', '-w', '-l', join(folder, 'log'), '-o', settings, 'start');
  let made = 0;
  return {
    async makeDatabase() {
      made += 1;
      const name = `test${made}`;
      await call('createdb', '-h', folder, '-U', USER, name);
      return `postgres://${USER}@localhost/${name}?host=${encodeURIComponent(folder)}`;
    },
    async stop() {
      await call('pg_ctl', '-D', data, '-s', '-w', '-m', 'immediate', 'stop');
    },
  };
}

/** Nothing for an ordinary user; for root the program that becomes Debian's user first. */
async function prefixFor(folder: string, data: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const id = async (flag: string) => Number(await runOrThrow(run, 'id', [flag, USER]));
  const [uid, gid] = [await id('-u'), await id('-g')];
  for (const path of [folder, data]) chownSync(path, uid, gid);
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
}
