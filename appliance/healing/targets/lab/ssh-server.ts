import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Subprocess, spawn } from 'bun';
import { run, runOrThrow } from '../../../../base/run.ts';
import type { TargetConfig } from '../../../config/schema-targets.ts';
import { completeTarget } from '../../../config/target-entries.ts';

/** Debian's own sshd on a free port of the loopback, with keys and a configuration of its own. */
export interface SshServerLab {
  port: number;
  /** Public host key, as in a .pub file. */
  host_key: string;
  fingerprint: string;
  /** Path of the private key that is let in. */
  key_file: string;
  /** Everything sshd has logged. */
  log(): string;
  /** Connections that are open at the server now. */
  connections(): number;
  /** A program that the scripts find before the machine's own. */
  standIn(name: string, script: string): void;
  target(more?: Partial<TargetConfig>): TargetConfig;
  stop(): Promise<void>;
}

const ESTABLISHED = '01';

export interface SshServerOptions {
  /** Command that every session runs instead of what it asked for, which is in SSH_ORIGINAL_COMMAND. */
  forced?: string;
  /** Lets root in by this one, too; root only. */
  password?: string;
  /** Files that the server and its sessions see in the place of others; root only. */
  files?: Readonly<Record<string, string>>;
}

export async function startSshServer(folder: string, options: SshServerOptions = {}): Promise<SshServerLab> {
  const { forced, password, files = {} } = options;
  const at = (name: string) => join(folder, name);
  for (const name of ['host', 'user']) {
    await runOrThrow(run, 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  }
  mkdirSync(at('bin'));
  const port = await freePort();
  const root = process.getuid?.() === 0;
  const lines = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host')}`, 'PidFile none', 'UsePAM no'],
    ...[`AuthorizedKeysFile ${at('user.pub')}`, 'StrictModes no'],
    ...(password === undefined
      ? ['PasswordAuthentication no']
      : ['PasswordAuthentication yes', 'PermitRootLogin yes']),
    ...['KbdInteractiveAuthentication no', 'LogLevel VERBOSE', `SetEnv PATH=${at('bin')}:/usr/bin:/bin`],
    ...(forced === undefined ? [] : [`ForceCommand ${forced}`]),
  ];
  writeFileSync(at('config'), `${lines.join('\n')}\n`);
  writeFileSync(at('log'), '');
  const sshd = `exec /usr/sbin/sshd -D -E ${at('log')} -f ${at('config')}`;
  // Started by root sshd wants an empty folder below /run; it gets a /run of its own, and root a plain shell without files of its own.
  writeFileSync(at('passwd'), passwdWith(`root:x:0:0:root:${folder}:/bin/sh`));
  const seen = { ...files, '/etc/passwd': at('passwd') };
  if (password !== undefined) {
    const hash = await runOrThrow(run, 'openssl', ['passwd', '-6', '-stdin'], { input: password });
    writeFileSync(at('shadow'), `root:${hash.trim()}:19000:0:99999:7:::\n`, { mode: 0o600 });
    Object.assign(seen, { '/etc/shadow': at('shadow') });
  }
  const mounts = Object.entries(seen).map(([place, file]) => `mount --bind ${file} ${place}`);
  const own = ['mount -t tmpfs tmpfs /run', 'mkdir /run/sshd', ...mounts].join(' && ');
  const command = root ? ['unshare', '--mount', 'sh', '-c', `${own} && ${sshd}`] : ['sh', '-c', sshd];
  const server: Subprocess = spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' });
  const log = () => readFileSync(at('log'), 'utf8');
  for (let tries = 0; !log().includes('Server listening'); tries += 1) {
    if (tries > 100 || server.exitCode !== null) throw new Error(`sshd does not start: ${log()}`);
    await Bun.sleep(50);
  }
  const fingerprint = (await runOrThrow(run, 'ssh-keygen', ['-lf', at('host.pub')])).split(' ')[1] ?? '';
  const user = (await runOrThrow(run, 'id', ['-un'])).trim();
  const host_key = readFileSync(at('host.pub'), 'utf8').trim();
  return {
    port,
    host_key,
    fingerprint,
    key_file: at('user'),
    log,
    connections: () => openConnections(port),
    standIn(name, script) {
      writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${script}\n`);
      chmodSync(at(`bin/${name}`), 0o755);
    },
    target: (more = {}) =>
      completeTarget({
        ...{ name: 'lab', address: '127.0.0.1', way: 'ssh', port, user },
        ...{ host_key, key_file: at('user'), ...more },
      }) as TargetConfig,
    async stop() {
      server.kill('SIGKILL');
      await server.exited;
    },
  };
}

function passwdWith(root: string): string {
  return readFileSync('/etc/passwd', 'utf8').replace(/^root:.*$/m, root);
}

/** Connections to this port that the kernel has (proc(5), /proc/net/tcp); the two ends of each are one. */
function openConnections(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return rows.filter((row) => {
    const [, address = '', , state] = row.trim().split(/\s+/);
    return address.endsWith(local) && state === ESTABLISHED;
  }).length;
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
