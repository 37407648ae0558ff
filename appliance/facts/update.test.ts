import { Value } from '@sinclair/typebox/value';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../base/run.ts';
import type { MachineFacts } from '../../health-gate/machine-facts.ts';
import { admitStatus } from '../../status-page/status-check.ts';
import { UPDATE_OUTCOMES } from '../../status-page/update-section.ts';
import { appendHistory } from '../../updater/state/history.ts';
import { jsonFile } from '../../updater/state/json-file.ts';
import {
  Outcome,
  type PastUpdate,
  PendingUpdate,
  RejectedReleases,
  UpdateProgress,
} from '../../updater/state/records.ts';
import { ProgressReport } from '../update/progress-report.ts';
import { inspectUpdate } from '../update/status.ts';
import { assembleStatus, NO_SLOW_FACTS, openJournals } from './collect-status.ts';
import { type FactTree, makeFactTree } from './fact-tree.ts';
import { CONSOLE_TAILS_MAX_BYTES, UPDATES_SHOWN } from './limits.ts';

let tree: FactTree;
beforeEach(() => {
  tree = makeFactTree();
  tree.write('proc/cmdline', 'ab.partition=A ab.attempt=1 ab.mode=normal\n');
  tree.write('proc/sys/kernel/random/boot_id', 'this-boot\n');
  tree.write('proc/self/mountinfo', '');
});
afterEach(() => tree.remove());

const SEEN = '2026-11-21T12:00:00.000Z';
const AFTER = '2026-11-21T12:05:00.000Z';
const slot = (name: 'A' | 'B', version: string, state: 'active' | 'standby' | 'bad') => ({
  slot: name,
  state,
  running: name === 'A',
  version,
  rootHash: null,
  builtAt: null,
});
const MACHINE: MachineFacts = {
  collectedAt: SEEN,
  bootState: { active: 'A', trial: null, attempts: 0, good: { A: true, B: true }, failed: null },
  bootStateCondition: 'ok',
  slot: 'A',
  slotSource: 'command-line',
  contradiction: null,
  attempt: 1,
  maxAttempts: 3,
  mode: 'normal',
  slots: [slot('A', '1.0.0', 'active'), slot('B', '1.1.0', 'standby')],
  watchdog: { present: true, identity: null, timeout_s: 30, active: true, armedEarly: true },
};
const PENDING: PendingUpdate = {
  format: 1,
  version: '1.1.0',
  slot: 'B',
  root_hash: 'b'.repeat(64),
  bundle: 'c'.repeat(64),
  from: { slot: 'A', version: '1.0.0', root_hash: 'a'.repeat(64) },
  method: 'delta',
  fetched_bytes: 4_096,
  written_at: AFTER,
  reboot: 'window',
  rollback: false,
};
const past = (over: Partial<PastUpdate> = {}): PastUpdate => ({
  at: AFTER,
  outcome: 'rolled_back',
  version: '1.1.0',
  from_version: '1.0.0',
  slot: 'B',
  root_hash: 'b'.repeat(64),
  method: 'delta',
  fetched_bytes: 4_096,
  reason: 'no boot of it reached the health gate',
  console_tail: ['Kernel panic - not syncing: <b>'],
  ...over,
});

const paths = () => tree.context.paths;
const files = () => ({
  progress: jsonFile(paths().updateProgressFile, UpdateProgress, 'the progress of the update'),
  pending: jsonFile(paths().pendingUpdateFile, PendingUpdate, 'the pending update'),
  rejected: jsonFile(paths().rejectedReleasesFile, RejectedReleases, 'the list of rejected releases'),
});
const writeMachine = (over: Partial<MachineFacts> = {}) =>
  tree.write('run/bulkhead/machine.json', JSON.stringify({ ...MACHINE, ...over }));
const onPage = () =>
  admitStatus(assembleStatus(tree.context, NO_SLOW_FACTS, openJournals(tree.context.paths))).update;

/** `bulkhead update status` on the same files, asked by somebody who is not root. */
const onCommandLine = () =>
  inspectUpdate({
    ...files(),
    slots: {
      paths: {
        procFolder: paths().proc,
        sysFolder: paths().sys,
        initrdReportFile: paths().initrdReportFile,
        machineFactsFile: paths().machineFactsFile,
        healthFile: paths().healthFile,
        mirrors: { updateState: `${tree.root}/state.json`, bootCount: `${tree.root}/count` },
        espMount: `${tree.root}/boot`,
        updateLockFile: `${tree.root}/lock`,
      },
      lockPatience_s: 0,
      isRoot: () => false,
      now: () => new Date(SEEN),
      run,
    },
    paths: { history: paths().updateHistoryFile },
  });

const report = (at = AFTER) =>
  new ProgressReport(
    'B',
    () => new Date(at),
    () => 4_096,
  );
const running = () => {
  const made = report(SEEN);
  made.take({ event: 'chosen', method: 'delta', version: '1.1.0', fetch_bytes: 9_000 });
  return made;
};
const CHOSEN = { event: 'progress', method: 'delta', version: '1.1.0', resumed_bytes: 0 } as const;

/** Every way an update can stand, as the updater leaves it on the disk. */
const STANDS: [string, () => void][] = [
  ['nothing ever updated', () => writeMachine()],
  [
    'downloading',
    () => {
      writeMachine();
      files().progress.write(
        running().take({ ...CHOSEN, phase: 'transfer', done_bytes: 400, total_bytes: 1_000 }),
      );
    },
  ],
  [
    'failed',
    () => {
      writeMachine();
      files().progress.write(running().failed('FETCH_NOT_FOUND', 'there is no such file'));
      appendHistory(paths().updateHistoryFile, past({ outcome: 'failed', console_tail: [] }));
    },
  ],
  [
    'ready, and not seen by the gate yet',
    () => {
      writeMachine();
      files().pending.write(PENDING);
    },
  ],
  [
    'rebooting',
    () => {
      const { bootState } = MACHINE;
      writeMachine({ bootState: bootState && { ...bootState, trial: 'B' } });
      files().pending.write({ ...PENDING, reboot: 'now' });
    },
  ],
  [
    'verifying',
    () => {
      const { bootState } = MACHINE;
      writeMachine({ bootState: bootState && { ...bootState, trial: 'B', attempts: 1 }, slot: 'B' });
      files().pending.write(PENDING);
    },
  ],
  [
    'rolled back',
    () => {
      const { bootState } = MACHINE;
      writeMachine({ bootState: bootState && { ...bootState, failed: 'B' } });
      appendHistory(paths().updateHistoryFile, past());
    },
  ],
];

describe('the update on the page', () => {
  test.each(STANDS)('%s: is in the state and the words of bulkhead update status', async (_, prepare) => {
    prepare();
    const facts = await onCommandLine();
    const page = onPage();
    expect([page.state, page.message]).toEqual([facts.state, facts.message]);
    expect(page.progress?.done_bytes).toBe(facts.progress?.done_bytes);
    expect(page.onItsWay?.version).toBe(facts.onItsWay?.version);
    expect(page.history.map(({ at }) => at)).toEqual(facts.history.map(({ at }) => at));
    expect(tree.warnings).toEqual([]);
  });

  test('holds what the updater wrote, in the form of the schema', () => {
    writeMachine();
    files().progress.write(
      running().take({ ...CHOSEN, phase: 'transfer', done_bytes: 400, total_bytes: 1_000 }),
    );
    files().pending.write(PENDING);
    appendHistory(paths().updateHistoryFile, past());
    const given = { version: '0.9.0', root_hash: 'd'.repeat(64), at: AFTER, reason: 'refused' };
    files().rejected.write({ format: 1, releases: [given, { ...given, version: '0.9.1' }] });
    expect(onPage()).toEqual({
      state: 'downloading',
      message: 'writing 1.1.0: 40 %',
      progress: {
        version: '1.1.0',
        slot: 'B',
        method: 'delta',
        phase: 'transfer',
        done_bytes: 400,
        total_bytes: 1_000,
        fetched_bytes: 4_096,
        fetch_total_bytes: 9_000,
        startedAt: SEEN,
        updatedAt: SEEN,
        code: null,
      },
      onItsWay: { version: '1.1.0', slot: 'B', method: 'delta', writtenAt: AFTER, reboot: 'window' },
      history: [
        {
          at: AFTER,
          outcome: 'rolled_back',
          version: '1.1.0',
          fromVersion: '1.0.0',
          slot: 'B',
          method: 'delta',
          fetched_bytes: 4_096,
          reason: 'no boot of it reached the health gate',
          consoleTail: ['Kernel panic - not syncing: <b>'],
        },
      ],
      ended: {
        succeeded: { count: 0, lastAt: null },
        rolled_back: { count: 1, lastAt: AFTER },
        failed: { count: 0, lastAt: null },
        cancelled: { count: 0, lastAt: null },
      },
      rejected: [
        { version: '0.9.1', at: AFTER, reason: 'refused' },
        { version: '0.9.0', at: AFTER, reason: 'refused' },
      ],
    });
  });

  test('is not known before the gate has looked, unless the updater itself says so', () => {
    expect(onPage()).toMatchObject({ state: null, progress: null, onItsWay: null, history: [] });
    files().progress.write(running().current);
    expect(onPage().state).toBe('downloading');
  });

  test('is nothing on the installation medium', () => {
    writeMachine({ mode: 'live', slot: null, slots: [], bootState: null });
    expect(onPage()).toMatchObject({ state: null, message: expect.stringContaining('installation medium') });
  });
});

describe('a damaged file of the updater', () => {
  test.each(['{"format":', '[]', '{"format":2}', ''])(
    'that holds %j is not known, and warned of',
    (content) => {
      writeMachine();
      for (const path of [
        'run/bulkhead/update.json',
        'data/update/pending.json',
        'data/update/rejected.json',
      ])
        tree.write(path, content);
      tree.write('data/update/history.jsonl', content);
      expect(onPage()).toMatchObject({
        state: 'succeeded',
        progress: null,
        onItsWay: null,
        history: [],
        rejected: [],
      });
      expect(tree.warnings).toHaveLength(3);
    },
  );

  test('whose dates are none costs its own facts, and never the status', () => {
    writeMachine();
    files().progress.write({ ...running().current, started_at: 'soon' });
    files().pending.write({ ...PENDING, written_at: 'then' });
    appendHistory(paths().updateHistoryFile, past({ at: 'once' }));
    appendHistory(paths().updateHistoryFile, past());
    expect(onPage()).toMatchObject({ progress: null, onItsWay: null, history: [{ at: AFTER }] });
  });
});

test('the consoles of many failed trials share one budget: the latest is whole, the oldest is shortened', () => {
  writeMachine();
  const console_tail = Array.from({ length: 120 }, (_, line) => `[${line}] ${'x'.repeat(80)}`);
  for (let count = 0; count < UPDATES_SHOWN + 2; count += 1)
    appendHistory(paths().updateHistoryFile, past({ console_tail }));
  const { history } = onPage();
  expect(history).toHaveLength(UPDATES_SHOWN);
  expect(history[0]?.consoleTail).toEqual(console_tail);
  expect(history[2]?.consoleTail).toEqual(console_tail.slice(-(history[2]?.consoleTail.length ?? 0)));
  expect(history.at(-1)?.consoleTail).toEqual([]);
  const size_bytes = JSON.stringify(history.map((entry) => entry.consoleTail)).length;
  expect(size_bytes).toBeLessThan(CONSOLE_TAILS_MAX_BYTES + 100);
});

test('page and updater name outcomes alike', () => {
  expect(UPDATE_OUTCOMES.filter((outcome) => !Value.Check(Outcome, outcome))).toEqual([]);
  expect(Outcome.anyOf).toHaveLength(UPDATE_OUTCOMES.length);
});
