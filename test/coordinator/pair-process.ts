import { readFileSync } from 'node:fs';
import { getLogger } from '@logtape/logtape';
import { startCoordinator } from '../../coordinator/start.ts';
import { TEST_KEYS_FILE } from './publisher.ts';

/** One of several coordinators on one PostgreSQL, as a process of its own, for being killed at any moment. */
export interface PairTask {
  data: string;
  database_url: string;
  /** How appliances reach it: the address of the line in front of all of them. */
  url: string;
  /** Has how far the clock of all of them is ahead of this machine's, milliseconds. */
  clock: string;
}

/** What it says on its standard output, in one line, when it is open. */
export interface PairGreeting {
  url: string;
  sign_in: { code: string } | null;
}

const text = process.env['PAIR_TASK'];
if (text !== undefined) {
  const { data, database_url, url, clock } = JSON.parse(text) as PairTask;
  const running = await startCoordinator({
    ...{ data, database_url, listen: '127.0.0.1', port: 0, urls: [new URL(url)] },
    settings: { heartbeat_interval_s: 2, agent_min_version: null, trusted_proxies: new Set() },
    release_keys: TEST_KEYS_FILE,
    now_ms: () => Date.now() + Number(readFileSync(clock, 'utf8')),
    ...{ sweep_interval_ms: 300, plan_interval_ms: 100, alarm_interval_ms: 500 },
    log: getLogger(['lab']),
  });
  const greeting: PairGreeting = { url: running.url, sign_in: running.firstSignIn ?? null };
  process.stdout.write(`${JSON.stringify(greeting)}\n`);
}
