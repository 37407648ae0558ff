import { Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { BulkheadError } from '../../../../base/errors.ts';
import { CLOSE_TIMEOUT_MS, LOGIN_TIMEOUT_MS, OUTPUT_MAX_BYTES } from '../limits.ts';
import { plainText } from '../outcome.ts';
import { fingerprintOf, hostKeyPin } from './host-key.ts';

export interface SshPeer {
  address: string;
  port: number;
  user: string;
  /** Public key line or fingerprint. */
  host_key: string;
  /** One of the two. */
  password: string | null;
  key: string | null;
}

export interface ScriptResult {
  /** Exit status; null when a signal ended the script. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface SshSession {
  /**
   * Runs a POSIX script. It goes through standard input of /bin/sh, so whatever log-in shell the user has never reads it.
   *
   * @throws BulkheadError SSH_TIMEOUT, SSH_OUTPUT_TOO_LARGE, SSH_CONNECTION_LOST
   */
  run(script: string, options: { timeout_ms: number }): Promise<ScriptResult>;
}

/** Modern algorithms only: no SHA-1, no CBC, no DSA (RFC 9142); all of them are in Debian from 10 and Red Hat from 8. */
const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const;
const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * Logs in, works, and closes the connection whatever happens, also when the signal says stop. Nothing is sent to a peer whose host
 * key is not the pinned one.
 *
 * @throws BulkheadError SSH_UNREACHABLE, SSH_HOST_KEY_DIFFERS, SSH_LOGIN_REFUSED, SSH_PROTOCOL, SSH_STOPPED, and what `work` throws
 */
export async function withSshSession<T>(
  peer: SshPeer,
  signal: AbortSignal,
  work: (session: SshSession) => Promise<T>,
): Promise<T> {
  const client = new Client();
  const lost = Promise.withResolvers<never>();
  const closed = Promise.withResolvers<void>();
  // Nobody may be waiting when the connection breaks while nothing runs.
  lost.promise.catch(() => undefined);
  const stop = () => {
    lost.reject(stopped(peer, signal));
    client.destroy();
  };
  client.on('error', (error) => lost.reject(connectionError(peer, error)));
  client.on('close', () => {
    lost.reject(new BulkheadError('SSH_CONNECTION_LOST', `${shown(peer)} closed the connection`));
    closed.resolve();
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) throw stopped(peer, signal);
    await Promise.race([logIn(client, peer, lost.reject), lost.promise]);
    const session: SshSession = {
      run: (script, options) => Promise.race([runScript(client, peer, script, options), lost.promise]),
    };
    return await Promise.race([work(session), lost.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    await closeClient(client, closed.promise);
  }
}

function logIn(client: Client, peer: SshPeer, fail: (error: unknown) => void): Promise<void> {
  const pin = hostKeyPin(peer.host_key);
  const config: ConnectConfig = {
    host: peer.address,
    port: peer.port,
    username: peer.user,
    readyTimeout: LOGIN_TIMEOUT_MS,
    // A peer that is switched off in the middle is noticed in half a minute, not by the time-out of TCP.
    keepaliveInterval: 10_000,
    keepaliveCountMax: 3,
    algorithms: {
      ...{ kex: [...ALGORITHMS.kex], cipher: [...ALGORITHMS.cipher], hmac: [...ALGORITHMS.hmac] },
      compress: [...ALGORITHMS.compress],
      serverHostKey: [...(pin.algorithms ?? HOST_KEYS)] as NonNullable<
        NonNullable<ConnectConfig['algorithms']>['serverHostKey']
      > &
        string[],
    },
    hostVerifier: (blob: Buffer) => {
      if (pin.matches(blob)) return true;
      fail(
        new BulkheadError(
          'SSH_HOST_KEY_DIFFERS',
          `${shown(peer)} shows the host key ${fingerprintOf(blob)}`,
          {
            hint: 'either something else answers there, or the machine has new keys; compare on the machine itself, then change host_key',
          },
        ),
      );
      return false;
    },
    ...(peer.key === null ? { password: peer.password ?? '' } : { privateKey: peer.key }),
  };
  const ready = Promise.withResolvers<void>();
  client.on('ready', () => ready.resolve());
  try {
    client.connect(config);
  } catch (cause) {
    // Of what is handed in here only the key can be wrong in itself; the words of the parser do not repeat it.
    throw new BulkheadError('SSH_KEY_UNUSABLE', `the private key for ${shown(peer)} cannot be used`, {
      cause,
      hint: 'a key of OpenSSH or PEM without a passphrase',
    });
  }
  return ready.promise;
}

async function runScript(
  client: Client,
  peer: SshPeer,
  script: string,
  { timeout_ms }: { timeout_ms: number },
): Promise<ScriptResult> {
  const channel = await openShell(client, peer, timeout_ms);
  const result = Promise.withResolvers<ScriptResult>();
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let size_bytes = 0;
  const take = (name: keyof typeof chunks) => (chunk: Buffer) => {
    size_bytes += chunk.length;
    if (size_bytes <= OUTPUT_MAX_BYTES) chunks[name].push(chunk);
    else {
      const words = `a script on ${shown(peer)} printed more than ${OUTPUT_MAX_BYTES} bytes`;
      result.reject(new BulkheadError('SSH_OUTPUT_TOO_LARGE', words));
    }
  };
  channel.on('data', take('stdout'));
  channel.stderr.on('data', take('stderr'));
  channel.on('error', (cause: unknown) => result.reject(connectionError(peer, cause)));
  channel.on('close', (code: number | null) => {
    const text = (list: Buffer[]) => Buffer.concat(list).toString('utf8');
    result.resolve({ code: code ?? null, stdout: text(chunks.stdout), stderr: text(chunks.stderr) });
  });
  const timer = setTimeout(() => result.reject(timedOut(peer, timeout_ms)), timeout_ms);
  channel.end(script);
  try {
    return await result.promise;
  } finally {
    clearTimeout(timer);
    channel.close();
  }
}

/**
 * A shell that reads from standard input. Where the machine has timeout(1) it ends the script itself: a closed connection alone
 * would leave it running.
 */
function openShell(client: Client, peer: SshPeer, timeout_ms: number): Promise<ClientChannel> {
  const limit_s = Math.ceil(timeout_ms / 1000);
  const command = `/bin/sh -c 'command -v timeout >/dev/null && exec timeout -k 5 ${limit_s} /bin/sh -s; exec /bin/sh -s'`;
  const opened = Promise.withResolvers<ClientChannel>();
  client.exec(command, (error, channel) => {
    if (error) opened.reject(connectionError(peer, error));
    else opened.resolve(channel);
  });
  return opened.promise;
}

async function closeClient(client: Client, closed: Promise<void>): Promise<void> {
  client.end();
  const cut = setTimeout(() => client.destroy(), CLOSE_TIMEOUT_MS);
  // One that never connected has nothing to close and says nothing.
  await Promise.race([closed, Bun.sleep(CLOSE_TIMEOUT_MS + 100)]);
  clearTimeout(cut);
}

function connectionError(peer: SshPeer, cause: unknown): BulkheadError {
  const { level, message = '' } = cause as { level?: string; message?: string };
  if (level === 'client-authentication') {
    return new BulkheadError('SSH_LOGIN_REFUSED', `${shown(peer)} does not let in '${peer.user}'`, {
      hint: 'is the key in authorized_keys there, or the password right, and may this user log in?',
      cause,
    });
  }
  if (level === 'client-socket' || level === 'client-timeout' || level === 'client-dns') {
    return new BulkheadError('SSH_UNREACHABLE', `cannot reach ${shown(peer)}`, {
      hint: 'is the machine on, does sshd listen there, and does its firewall let the appliance in?',
      cause,
    });
  }
  return new BulkheadError(
    'SSH_PROTOCOL',
    `${shown(peer)} does not speak as expected: ${plainText(message)}`,
  );
}

function timedOut(peer: SshPeer, timeout_ms: number): BulkheadError {
  return new BulkheadError(
    'SSH_TIMEOUT',
    `a script on ${shown(peer)} was still running after ${timeout_ms} ms`,
  );
}

function stopped(peer: SshPeer, signal: AbortSignal): BulkheadError {
  return new BulkheadError('SSH_STOPPED', `work on ${shown(peer)} was stopped`, { cause: signal.reason });
}

function shown({ address, port }: SshPeer): string {
  return `${address} port ${port}`;
}
