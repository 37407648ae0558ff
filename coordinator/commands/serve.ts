import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { KEEP_DAYS } from '../retention/keep-days.ts';
import { addText, wholeNumber } from './api-command.ts';
import { ARTIFACTS, nextSignal, type RegisterCommand } from './command.ts';

const DEFAULT_PORT = 8000;
const DEFAULT_INTERVAL_S = 60;
const DAYS = wholeNumber(1, 36_500);

interface ServeOptions {
  data: string;
  listen?: string;
  port: number;
  tlsCert?: string;
  tlsKey?: string;
  url: URL[];
  artifacts?: string;
  releaseKeys?: string;
  interval: number;
  agentMin?: string;
  trustedProxy: string[];
  keepReports: number;
  keepOrders: number;
  keepAlarms: number;
  keepBuilds: number;
  json?: true;
}

/** `bulkhead-coordinator serve`: runs until a signal ends it. */
export const registerServe: RegisterCommand = (program, io) => {
  program
    .command('serve')
    .description('run the coordinator until a signal ends it')
    .option(
      '--data <folder>',
      'where the SQLite database lives',
      process.env['STATE_DIRECTORY'] ?? 'coordinator-data',
    )
    .option('--listen <address>', 'address to listen on; all of them when not given')
    .option('--port <number>', 'port to listen on', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--url <address>', 'how appliances reach it; may be given several times', addUrl, [])
    .option('--tls-cert <file>', 'speak TLS with this certificate chain in PEM; needs --tls-key')
    .option('--tls-key <file>', 'its key in PEM')
    .option(...ARTIFACTS)
    .option('--release-keys <file>', 'key sets whose releases are taken, as in the image')
    .option('--interval <seconds>', 'between heartbeats', wholeNumber(5, 3600), DEFAULT_INTERVAL_S)
    .option('--agent-min <version>', 'agents below are told that they are too old')
    .option('--trusted-proxy <address>', 'reverse proxy in front; may be given several times', addText, [])
    .option('--keep-reports <days>', 'what has changed on appliances', DAYS, KEEP_DAYS.reports)
    .option('--keep-orders <days>', 'orders that have ended', DAYS, KEEP_DAYS.orders)
    .option('--keep-alarms <days>', 'alarms that are over', DAYS, KEEP_DAYS.alarms)
    .option('--keep-builds <days>', 'builds that have ended', DAYS, KEEP_DAYS.builds)
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Needs no configuration: the database is made in the data folder, and the first administrator's sign-in is printed.
DATABASE_URL=postgres://user:password@host/name makes it use PostgreSQL, which several coordinators may share.
Appliances speak TLS only: give it a certificate, or put a reverse proxy in front that has one. A new certificate is
taken with the next start. A bucket takes AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_REGION and AWS_ENDPOINT_URL_S3
for a store that is not Amazon's.

Examples:
  bulkhead-coordinator serve --url https://coordinator.example
  bulkhead-coordinator serve --port 443 --url https://coordinator.example --tls-cert chain.pem --tls-key key.pem`,
    )
    .action(async (options: ServeOptions) => {
      const { startLog } = await import('../../base/log.ts');
      const { EVERY_ADDRESS } = await import('../server/serve.ts');
      const { startCoordinator } = await import('../start.ts');
      const { openArtifacts } = await import('../artifacts/open.ts');
      const { readKeysetBytes } = await import('../client/read-keyset.ts');
      const tls = readTls(options);
      const log = startLog(process.env, 'coordinator');
      const signalled = nextSignal();
      const running = await startCoordinator({
        ...{ data: options.data, database_url: process.env['DATABASE_URL'] || undefined },
        artifacts: openArtifacts(options.artifacts ?? join(options.data, 'artifacts'), process.env),
        release_keys: options.releaseKeys === undefined ? undefined : readKeysetBytes(options.releaseKeys),
        ...{ listen: options.listen ?? EVERY_ADDRESS, port: options.port, tls, urls: options.url, log },
        keep: {
          ...{ reports: options.keepReports, orders: options.keepOrders, alarms: options.keepAlarms },
          builds: options.keepBuilds,
        },
        settings: {
          heartbeat_interval_s: options.interval,
          agent_min_version: options.agentMin ?? null,
          trusted_proxies: new Set(options.trustedProxy),
        },
      });
      const facts = {
        ...{ version: VERSION, url: options.url[0]?.origin ?? running.url, port: running.port },
        ...{ database: running.place, sign_in: running.firstSignIn ?? null },
      };
      printFacts(io, options.json, facts, () => greeting(facts));
      log.info('ending', { signal: await signalled });
      await running.stop();
    });
};

/** @throws BulkheadError TLS_UNUSABLE */
function readTls({ tlsCert, tlsKey }: ServeOptions): { certificate: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new BulkheadError('TLS_UNUSABLE', 'TLS needs a certificate and its key', {
      hint: '--tls-cert chain.pem --tls-key key.pem',
    });
  return { certificate: readPem(tlsCert), key: readPem(tlsKey) };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BulkheadError('TLS_UNUSABLE', `cannot read ${path}`, { cause });
  }
}

interface Facts {
  version: string;
  url: string;
  database: string;
  sign_in: { code: string; expires_ms: number } | null;
}

/** What whoever started it sees. */
function greeting({ version, url, database, sign_in }: Facts): string {
  const lines = [`Bulkhead coordinator ${version}`, `  address   ${url}`, `  database  ${database}`];
  if (sign_in)
    lines.push(
      `  sign in   ${url}/sign-in?code=${sign_in.code}`,
      `            first administrator, once, until ${new Date(sign_in.expires_ms).toISOString()}`,
    );
  return lines.join('\n');
}

function addUrl(text: string, before: URL[]): URL[] {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('an address like https://coordinator.example is needed');
  return [...before, url];
}
