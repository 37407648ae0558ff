import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startLog } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import type { Verdict } from '../../health-gate/verdict-schema.ts';
import type { Status } from '../../status-page/status.ts';
import { appendHistory } from '../../updater/state/history.ts';
import { jsonFile } from '../../updater/state/json-file.ts';
import { type PastUpdate, UpdateProgress } from '../../updater/state/records.ts';
import { loadConfig } from '../config/load.ts';
import { builtInConfig } from '../config/schema.ts';
import { type FactTree, makeFactTree } from '../facts/fact-tree.ts';
import { orderPathsBelow } from '../orders/lab/paths-below.ts';
import { ProgressReport } from '../update/progress-report.ts';
import { type Agent, type AgentOptions, startAgent } from './agent.ts';
import { createServiceManager } from './service-manager.ts';

let tree: FactTree;
let agent: Agent | undefined;
beforeEach(() => {
  tree = makeFactTree();
  mkdirSync(`${tree.root}/run/bulkhead`, { recursive: true });
  mkdirSync(`${tree.root}/run/bulkhead-agent`, { recursive: true });
  tree.write('proc/sys/kernel/random/boot_id', 'this-boot\n');
  tree.write('proc/cmdline', 'ab.partition=A ab.attempt=1 ab.mode=normal\n');
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  tree.remove();
});

const options = (): AgentOptions => ({
  port: 0,
  listen: '127.0.0.1',
  siteId: 'praxis-7',
  coordinator: builtInConfig().coordinator,
  loadConfig: () => loadConfig({ imageFile: '', deviceFile: '', environment: {} }),
  storeFolder: null,
  paths: tree.context.paths,
  orderPaths: orderPathsBelow(tree.root),
  restart: () => undefined,
  watchedFolder: `${tree.root}/run/bulkhead`,
  consoleFile: `${tree.root}/run/bulkhead-agent/console.txt`,
  run,
  now: () => new Date(),
  log: startLog({}, 'agent'),
  serviceManager: createServiceManager({}, run, () => {}),
});

const VERDICT: Verdict = {
  id: 'this-boot-1',
  bootId: 'this-boot',
  at: '2026-11-21T12:00:00.000Z',
  slot: 'A',
  version: '1.0.0',
  attempt: 1,
  outcome: 'unhealthy',
  action: 'reboot',
  reason: 'a decisive check failed: data-partition (not mounted)',
  checks: [],
};

/** As the gate publishes it: temporary file, then rename. */
function publishVerdict(verdict: Verdict): void {
  const path = tree.context.paths.healthFile;
  writeFileSync(`${path}.new`, JSON.stringify(verdict));
  renameSync(`${path}.new`, path);
}

const consoleText = () => readFileSync(`${tree.root}/run/bulkhead-agent/console.txt`, 'utf8');

const FAILED: PastUpdate = {
  at: '2026-11-21T12:00:00.000Z',
  outcome: 'failed',
  version: '1.1.0',
  from_version: '1.0.0',
  slot: 'B',
  root_hash: null,
  method: 'delta',
  fetched_bytes: 5_000,
  reason: 'UPDATE_READ_BACK_WRONG: what was read back is not what was written',
  console_tail: [],
};

/** A live stream of the page, read as far as a test wants. */
async function openStream(port: number) {
  const reader = (await fetch(`http://127.0.0.1:${port}/api/v1/events`)).body?.getReader();
  let text = '';
  const decoder = new TextDecoder();
  const readUntil = async (part: string) => {
    while (!text.includes(part)) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) throw new Error(`the stream ended without ${part}`);
      text += decoder.decode(chunk.value, { stream: true });
    }
  };
  return { readUntil, close: async () => reader?.cancel() };
}

async function until(what: () => Promise<boolean> | boolean, timeout_ms = 3_000): Promise<void> {
  const end_ms = performance.now() + timeout_ms;
  while (!(await what())) {
    if (performance.now() > end_ms) throw new Error('it did not happen in time');
    await Bun.sleep(20);
  }
}

describe('a new verdict', () => {
  test('is on the console at once, although nobody looks and the next round is half a minute away', async () => {
    agent = await startAgent(options());
    await until(() => consoleText().includes('Health       pending'));
    publishVerdict(VERDICT);
    await until(() => consoleText().includes('data-partition (not mounted)'));
    publishVerdict({ ...VERDICT, id: 'this-boot-2', outcome: 'healthy', action: 'commit' });
    await until(() => consoleText().includes('Health       healthy'));
  });

  test('reaches an open page by the live stream', async () => {
    agent = await startAgent(options());
    const stream = await openStream(agent.port);
    await stream.readUntil('"outcome":"pending"');
    publishVerdict(VERDICT);
    await stream.readUntil('"outcome":"unhealthy"');
    await stream.close();
  });
});

describe('an update', () => {
  test('moves on an open page within two seconds of every step that the updater writes', async () => {
    agent = await startAgent(options());
    const { updateProgressFile, updateHistoryFile } = tree.context.paths;
    const progress = jsonFile(updateProgressFile, UpdateProgress, 'the progress of the update');
    const report = new ProgressReport(
      'B',
      () => new Date(),
      () => 5_000,
    );
    const stream = await openStream(agent.port);
    await stream.readUntil('"progress":null');

    const within = async (part: string) => {
      const begin_ms = performance.now();
      await stream.readUntil(part);
      expect(performance.now() - begin_ms, part).toBeLessThan(2_000);
    };
    progress.write(report.take({ event: 'chosen', method: 'delta', version: '1.1.0', fetch_bytes: 9_000 }));
    await within('"state":"downloading"');
    const step = { event: 'progress', method: 'delta', version: '1.1.0', resumed_bytes: 0 } as const;
    progress.write(report.take({ ...step, phase: 'transfer', done_bytes: 400, total_bytes: 1_000 }));
    await within('"done_bytes":400');
    progress.write(report.take({ ...step, phase: 'read-back', done_bytes: 100, total_bytes: 1_000 }));
    await within('"phase":"read-back"');
    progress.write(report.failed('UPDATE_READ_BACK_WRONG', 'what was read back is not what was written'));
    appendHistory(updateHistoryFile, FAILED);
    await within('"outcome":"failed"');
    await stream.close();
  });
});

test('the console is written on change only', async () => {
  agent = await startAgent(options());
  await until(() => consoleText().includes('pending'));
  const before = consoleText();
  for (let count = 0; count < 3; count += 1) {
    await fetch(`http://127.0.0.1:${agent.port}/api/v1/status`);
    await Bun.sleep(400);
  }
  expect(consoleText()).toBe(before);
});

test('the page knows the site and that no coordinator is configured', async () => {
  agent = await startAgent(options());
  const status = (await (await fetch(`http://127.0.0.1:${agent.port}/api/v1/status`)).json()) as Status;
  expect(status.identity.siteId).toBe('praxis-7');
  expect(status.coordinator).toMatchObject({ configured: false, message: 'not configured' });
  expect(status.boot).toMatchObject({ slot: 'A', bootId: 'this-boot' });
});

test('a port that is taken is an error that names it, and nothing stays behind', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await expect(startAgent({ ...options(), port })).rejects.toMatchObject({ code: 'STATUS_PORT_TAKEN' });
  server.close();
});
