import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { run, runOrThrow } from '../../base/run.ts';
import type { Interrupt } from './interrupt.ts';
import {
  ANSWER_TIMEOUT_MS,
  COORDINATOR_START_TIMEOUT_MS,
  COORDINATOR_STOP_TIMEOUT_MS,
  ENROLLED_LOOK_MS,
  ENROLLED_TIMEOUT_MS,
  UPLOAD_TIMEOUT_MS,
} from './limits.ts';
import { COORDINATOR_FOLDER, COORDINATOR_PROGRAM, RELEASES } from './workplace.ts';

/** What the network of the virtual machine calls this computer. */
const HOST_OF_THE_GUEST = '10.0.2.2';
const CERTIFICATE_DAYS = '3650';
const USER = 'admin';
const SCOPES = ['read', 'device', 'order', 'release', 'rollout', 'alarm', 'audit', 'admin'];
const DAY_MS = 86_400_000;
/** Somebody looks: three times as often as a fleet is asked to report. */
const HEARTBEAT_S = '20';

const ACCOUNT = 'account.json';
const LOG = 'log.txt';

/** How people and scripts sign in to a coordinator that was started here. */
export interface Account {
  url: string;
  /** File with the certificate that it shows, in PEM: its own authority. */
  certificate: string;
  user: string;
  password: string;
  /** API token with every scope. */
  token: string;
}

/** The coordinator that a virtual appliance belongs to: the built program, with its own database and certificate. */
export interface StartedCoordinator extends Account {
  /** A config.yaml that makes an appliance ask this coordinator to let it in. @param code lets it in at once */
  configuration(code?: string): string;
  /** A code that works once, for a day. @throws BulkheadError START_COORDINATOR_ANSWER */
  enrolmentCode(): Promise<string>;
  /** Ends it, as SIGTERM does. */
  stop(): Promise<void>;
}

/** Forgets every appliance, person and release: what is installed next meets a coordinator that knows nobody. */
export function forgetCoordinator(): void {
  rmSync(COORDINATOR_FOLDER, { recursive: true, force: true });
  rmSync(RELEASES, { recursive: true, force: true });
}

/** The account of a coordinator that has been started before; undefined when none was. */
export function readAccount(folder = COORDINATOR_FOLDER): Account | undefined {
  const file = join(folder, ACCOUNT);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Account) : undefined;
}

/**
 * Starts one on a port of this computer's loopback, which a virtual machine reaches, too.
 *
 * @param keysets file with the keys whose releases it takes, as in the image
 * @param folder of its database, certificate, log and account
 * @throws BulkheadError START_COORDINATOR_FAILED, START_COORDINATOR_ANSWER
 */
export async function startCoordinator(
  port: number,
  keysets: string,
  folder = COORDINATOR_FOLDER,
): Promise<StartedCoordinator> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  if (!existsSync(certificate)) await makeCertificate(certificate, key);
  const url = `https://localhost:${port}`;
  const logFile = join(folder, LOG);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(
    COORDINATOR_PROGRAM,
    [
      ...['serve', '--json', '--data', folder, '--listen', '127.0.0.1', '--port', String(port)],
      ...['--url', url, '--url', guestUrl(port), '--tls-cert', certificate, '--tls-key', key],
      ...['--release-keys', keysets, '--interval', HEARTBEAT_S],
    ],
    // A group of its own: Ctrl-C in the terminal is for the appliance first.
    { stdio: ['ignore', 'pipe', log], detached: true },
  );
  const stop = () => stopChild(child);
  try {
    const { sign_in } = await greeting(child, logFile);
    const account =
      sign_in === null ? readAccount(folder) : await firstAccount({ url, certificate }, sign_in.code, folder);
    if (account === undefined)
      throw new BulkheadError('START_COORDINATOR_FAILED', `${join(folder, ACCOUNT)} is missing`, {
        hint: 'npm start -- --fresh makes everything anew',
      });
    const here = { ...account, url, certificate };
    const configuration = (code?: string) => configurationText(port, readFileSync(certificate, 'utf8'), code);
    return { ...here, configuration, enrolmentCode: () => enrolmentCode(here), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Waits until the appliance has been let in by its code and has reported.
 *
 * @returns a sentence about it
 * @throws BulkheadError START_NOT_ENROLLED, START_INTERRUPTED
 */
export async function untilEnrolled(coordinator: StartedCoordinator, interrupt: Interrupt): Promise<string> {
  const deadline_ms = performance.now() + ENROLLED_TIMEOUT_MS;
  for (;;) {
    const { devices } = (await ask(coordinator, 'GET', '/api/v1/devices')) as unknown as {
      devices: { hostname: string; state: string; presence: string }[];
    };
    const [device] = devices;
    if (device?.state === 'approved' && device.presence === 'online')
      return `${device.hostname} has enrolled by the code on its medium and is online`;
    if (performance.now() > deadline_ms)
      throw new BulkheadError(
        'START_NOT_ENROLLED',
        device
          ? `the appliance is ${device.state} and ${device.presence} at its coordinator`
          : 'the appliance has not come to its coordinator',
        {
          hint: `the page of the appliance says what it sees, and the coordinator's log what came: ${join(COORDINATOR_FOLDER, LOG)}`,
        },
      );
    await interrupt.orElse(Bun.sleep(ENROLLED_LOOK_MS));
  }
}

/** Asks the API of a coordinator. @throws BulkheadError START_COORDINATOR_ANSWER */
export async function ask(
  { url, certificate, token }: Pick<Account, 'url' | 'certificate'> & { token?: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    tls: { ca: readFileSync(certificate, 'utf8') },
  });
  const text = await response.text();
  if (!response.ok)
    throw new BulkheadError('START_COORDINATOR_ANSWER', `${method} ${path}: ${response.status} ${text}`);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/**
 * Runs a command of bulkhead-coordinator, as a person at this computer would.
 *
 * @returns what it printed
 * @throws BulkheadError COMMAND_FAILED with its words
 */
export function cli({ url, certificate, token }: Account, args: readonly string[]): Promise<string> {
  const env = { BULKHEAD_COORDINATOR: url, BULKHEAD_TOKEN: token, NODE_EXTRA_CA_CERTS: certificate };
  return runOrThrow(run, COORDINATOR_PROGRAM, args, { env, timeout_ms: UPLOAD_TIMEOUT_MS });
}

const guestUrl = (port: number) => `https://${HOST_OF_THE_GUEST}:${port}`;

async function makeCertificate(certificate: string, key: string): Promise<void> {
  await runOrThrow(run, 'openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', CERTIFICATE_DAYS, '-subj', '/CN=Bulkhead coordinator of this checkout'],
    ...['-addext', `subjectAltName=DNS:localhost,IP:127.0.0.1,IP:${HOST_OF_THE_GUEST}`],
    ...['-keyout', key, '-out', certificate],
  ]);
}

interface Greeting {
  sign_in: { code: string } | null;
}

/** The first thing it prints, once its port is open. */
function greeting(child: ChildProcess, log: string): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(
        new BulkheadError('START_COORDINATOR_FAILED', `the coordinator did not start: ${why}`, {
          hint: `its log: ${log}`,
        }),
      );
    const timer = setTimeout(() => fail('it said nothing'), COORDINATOR_START_TIMEOUT_MS);
    let text = '';
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`it ended with ${code}`);
    });
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
      if (!/^\}$/m.test(text)) return;
      clearTimeout(timer);
      resolve(JSON.parse(text) as Greeting);
    });
  });
}

/** Signs the first administrator in, gives him a password for the page and this script a token. */
async function firstAccount(
  place: Pick<Account, 'url' | 'certificate'>,
  code: string,
  folder: string,
): Promise<Account> {
  const session = String((await ask(place, 'POST', '/api/v1/session', { code }))['token']);
  const password = randomBytes(12).toString('base64url');
  await ask({ ...place, token: session }, 'PUT', '/api/v1/me/password', { password });
  const made = await ask({ ...place, token: session }, 'POST', '/api/v1/tokens', {
    name: 'npm-start',
    scopes: SCOPES,
  });
  const account = { ...place, user: USER, password, token: String(made['token']) };
  writeFileSync(join(folder, ACCOUNT), JSON.stringify(account), { mode: 0o600 });
  return account;
}

async function enrolmentCode(account: Account): Promise<string> {
  const made = await ask(account, 'POST', '/api/v1/enrolment-codes', {
    ...{ note: 'the appliance of npm start', uses_max: 1, expires_ms: Date.now() + DAY_MS },
  });
  return String(made['code']);
}

function configurationText(port: number, certificate: string, code: string | undefined): string {
  return [
    'coordinator:',
    `  url: ${guestUrl(port)}`,
    ...(code === undefined ? [] : [`  provision_code: ${code}`]),
    '  ca_certificate: |',
    ...certificate
      .trim()
      .split('\n')
      .map((line) => `    ${line}`),
    '',
  ].join('\n');
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await Promise.race([ended, Bun.sleep(COORDINATOR_STOP_TIMEOUT_MS)]);
  child.kill('SIGKILL');
}
