import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Whether this user may make networks. */
export const CAN_UNSHARE = process.getuid?.() === 0;

/** Rules as a machine has them in /etc/nftables.conf. */
export const NFT_RULES = `flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
  }
}
`;

/** A program of ours in a network of its own, spoken to by lines of JSON; it ends when its input does. */
export interface OwnNetwork {
  pid: number;
  tell(wish: object): void;
  next(): Promise<unknown>;
  end(): Promise<void>;
}

/** @param program file of TypeScript */
export function inOwnNetwork(program: string, environment: Readonly<Record<string, string>>): OwnNetwork {
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const words = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'own', process.execPath, program];
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn('unshare', words, {
    env: { PATH, TMPDIR, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    tell: (wish) => void child.stdin.write(`${JSON.stringify(wish)}\n`),
    next: async () => JSON.parse(String((await lines.next()).value)) as unknown,
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

/** A machine in that network, whose folders are somewhere else, with the sensor that the appliance serves. */
export function shellMachine({ pid, url, folder }: { pid: number; url: string; folder: string }) {
  const root = join(folder, 'root');
  const state = join(root, 'var/lib/bulkhead-sensor');
  const conf = join(root, 'etc/bulkhead-sensor/sensor.conf');
  const run = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
    const { PATH = '' } = process.env;
    const { status, stdout, stderr } = spawnSync('nsenter', ['--net', `--target=${pid}`, ...words], {
      env: { PATH, ...environment },
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const inside = (...words: string[]) => run(words);
  /** In the sensor's configuration. */
  const set = (name: string, value: string) => {
    const changed = readFileSync(conf, 'utf8').replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`);
    writeFileSync(conf, changed);
  };
  return {
    ...{ root, state, inside, set },
    /** As an administrator does it; then it looks at the firewall alone. */
    install(...more: string[]) {
      const file = join(folder, 'install.sh');
      writeFileSync(file, inside('curl', '-fsS', `${url}/sensor/install.sh`).stdout);
      const installed = inside('sh', file, '--url', url, '--root', root, ...more);
      set('checks', 'firewall');
      return installed;
    },
    /** One round, a minute later as far as heartbeats are concerned. */
    round(shell: readonly string[] = ['sh']) {
      writeFileSync(join(state, 'heartbeat'), '0\n');
      return run([...shell, join(root, 'usr/local/lib/bulkhead-sensor/sensor.sh'), 'once'], {
        BULKHEAD_SENSOR_STATE: state,
        BULKHEAD_SENSOR_CONF: conf,
      });
    },
  };
}
