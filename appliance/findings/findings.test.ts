import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { openSiteStore } from '../site/store/store.ts';
import { createFindings } from './findings.ts';
import { eventIdOf } from './identity.ts';
import { exampleDetection, NOON_S, SENSOR } from './lab/detections.ts';
import { CHECKS_PER_SUBJECT_MAX, CLOSED_PER_SUBJECT_MAX, EVENT_AGE_MAX_S, RECORD_MAX } from './limits.ts';
import { FINDINGS_PART } from './tables.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

function start(more: { file?: string; events_max_bytes?: number; now_ms?: number; max_bytes?: number } = {}) {
  const {
    file = join(makeFolder('findings'), 'site.db'),
    now_ms = (NOON_S + 1_000) * 1000,
    max_bytes,
    ...bounds
  } = more;
  const warnings: string[] = [];
  const warn = (words: string) => void warnings.push(words);
  const size = max_bytes === undefined ? {} : { max_bytes };
  const store = openSiteStore({ file, parts: [FINDINGS_PART], warn, ...size });
  const findings = createFindings({ store, now_ms: () => now_ms, warn, ...bounds });
  let stopped = false;
  const stop = () => {
    if (stopped) return;
    stopped = true;
    findings.stop();
    store.stop();
  };
  ends.push(stop);
  return { file, store, findings, warnings, now_ms, stop };
}

/** What differs only in number. */
const numbered = (number: number, more = {}) =>
  exampleDetection({ at_s: NOON_S + number, metadata: { number: String(number) }, ...more });

describe('recording', () => {
  test('the same detection twice is one event; two in the same second that differ are two', async () => {
    const { findings } = start();
    const [first, again, other] = await findings.record([
      exampleDetection(),
      exampleDetection(),
      exampleDetection({ metadata: { event_id: '2' } }),
    ]);
    expect(first).toEqual({ event_id: eventIdOf(exampleDetection()), first: true, transition: 'opened' });
    expect(again).toEqual({ ...first, first: false, transition: 'none' });
    expect(other).toMatchObject({ first: true, transition: 'still_open' });
    expect(findings.open()).toMatchObject([{ subject: SENSOR, times_seen: 2 }]);
    expect(findings.events({})).toHaveLength(2);
  });

  test('the identity covers every field and no two fields run into each other', () => {
    const changed = [
      { subject: 's-00000000000000a2' },
      { hostname: 'till-2' },
      { check_type: 'firewall.v6' },
      { passed: true },
      { expected: 'runningstopped', actual: '' },
      { control: null },
      { severity: 'low' as const },
      { at_s: NOON_S + 1 },
      { metadata: { a: 'b' } },
      { metadata: { a: 'c' } },
    ].map((more) => eventIdOf(exampleDetection(more)));
    expect(new Set([...changed, eventIdOf(exampleDetection())]).size).toBe(changed.length + 1);
    expect(eventIdOf(exampleDetection({ metadata: { a: '1', b: '2' } }))).toBe(
      eventIdOf(exampleDetection({ metadata: { b: '2', a: '1' } })),
    );
  });

  test('survives a restart, as does what it changed', async () => {
    const { findings, file, stop } = start();
    await findings.record([exampleDetection()]);
    stop();
    const again = start({ file });
    expect(again.findings.open()).toHaveLength(1);
    const [receipt] = await again.findings.record([exampleDetection()]);
    expect(receipt).toMatchObject({ first: false, transition: 'none' });
    const [closed] = await again.findings.record([exampleDetection({ passed: true, at_s: NOON_S + 9 })]);
    expect(closed).toMatchObject({ transition: 'closed' });
    expect(again.findings.open()).toEqual([]);
    expect(again.warnings).toEqual([]);
  });

  test('is all or nothing', async () => {
    const { findings } = start();
    const bad = exampleDetection({ subject: 's-somebody' });
    await expect(findings.record([exampleDetection(), bad])).rejects.toMatchObject({
      code: 'DETECTION_INVALID',
    });
    const many = Array.from({ length: CHECKS_PER_SUBJECT_MAX + 1 }, (_, index) =>
      exampleDetection({ check_type: `check-${index}` }),
    );
    await expect(findings.record(many)).rejects.toMatchObject({ code: 'FINDING_CHECKS_MAX' });
    expect(findings.events({})).toEqual([]);
    await findings.record(many.slice(1));
    expect(findings.open()).toHaveLength(CHECKS_PER_SUBJECT_MAX);
    const flood = Array.from({ length: RECORD_MAX + 1 }, (_, index) => numbered(index));
    await expect(findings.record(flood)).rejects.toMatchObject({ code: 'DETECTION_TOO_MANY' });
  });

  test.each([
    ['hostname', { hostname: 'x'.repeat(254) }],
    ['check_type', { check_type: 'Fire wall' }],
    ['at_s', { at_s: 1.5 }],
    ['metadata', { metadata: { text: 'x'.repeat(1_025) } }],
  ])('a %s that does not fit is named', async (field, more) => {
    const { findings } = start();
    await expect(findings.record([exampleDetection(more)])).rejects.toMatchObject({
      message: expect.stringContaining(`${field}:`),
    });
  });

  test('listeners hear of first detections only, in order, behind the commit; one that fails stops nothing', async () => {
    const { findings, store, warnings } = start();
    const heard: string[] = [];
    findings.onDetection(() => {
      throw new Error('deaf');
    });
    const end = findings.onDetection(({ metadata }, { event_id }) => {
      const row = store.database.query('select 1 from events where event_id = ?').get(event_id);
      heard.push(`${metadata['number']} ${row === null ? 'missing' : 'there'}`);
    });
    await Promise.all([
      findings.record([numbered(1), numbered(2)]),
      findings.record([numbered(2), numbered(3)]),
      findings.record([numbered(4)]),
    ]);
    expect(heard).toEqual(['1 there', '2 there', '3 there', '4 there']);
    expect(warnings).toHaveLength(4);
    end();
    await findings.record([numbered(5)]);
    expect(heard).toHaveLength(4);
  });
});

describe('looking', () => {
  test('events and findings are told latest first, page after page', async () => {
    const { findings } = start();
    const subjects = ['appliance', SENSOR, 't-till'];
    await findings.record(
      Array.from({ length: 30 }, (_, index) =>
        numbered(index, {
          ...{ subject: subjects[index % 3], check_type: index % 2 === 0 ? 'ssh' : 'time' },
          // Every third time of a pair it is mended.
          passed: index >= 18 && index < 24,
        }),
      ),
    );
    const events = findings.events({ limit: 20 });
    const rest = findings.events({ before: String(events.at(-1)?.seq) });
    expect([...events, ...rest].map(({ at_s }) => at_s - NOON_S)).toEqual(
      Array.from({ length: 30 }, (_, index) => 29 - index),
    );
    expect(events[0]).toMatchObject({ ...numbered(29, { subject: 't-till', check_type: 'time' }) });
    const own = findings.events({ subject: SENSOR, check_type: 'time' });
    expect(own.map(({ at_s }) => at_s - NOON_S)).toEqual([25, 19, 13, 7, 1]);
    expect(findings.open()).toHaveLength(6);
    expect(findings.find({ state: 'closed' })).toHaveLength(6);
    const page = findings.find({ subject: SENSOR, limit: 3 });
    const next = findings.find({ subject: SENSOR, before: page.at(-1)?.id ?? '' });
    expect([...page, ...next]).toEqual(findings.find({ subject: SENSOR }));
    expect(findings.checks({ subject: SENSOR })).toMatchObject([
      { check_type: 'ssh', passed: false, at_s: NOON_S + 28 },
      { check_type: 'time', passed: false, at_s: NOON_S + 25 },
    ]);
  });

  test('a digest covers the events behind one, and says where the next begins', async () => {
    const { findings } = start();
    expect(findings.rangeAfter(0)).toBeNull();
    const receipts = await findings.record([numbered(1), numbered(2), numbered(3)]);
    const lines = (from: number) =>
      receipts.map(({ event_id }, index) => `${index + 1} ${event_id}\n`).slice(from);
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(findings.rangeAfter(0)).toEqual({
      ...{ first_seq: 1, last_seq: 3, count: 3, sha256: sha256(lines(0).join('')) },
    });
    expect(findings.rangeAfter(2)).toMatchObject({ count: 1, sha256: sha256(lines(2).join('')) });
    expect(findings.rangeAfter(3)).toBeNull();
  });
});

describe('settling', () => {
  test('an operator closes what is open; the next failure opens another', async () => {
    const { findings } = start();
    await findings.record([exampleDetection()]);
    const id = findings.open()[0]?.id ?? '';
    expect(await findings.settle(id, 'operator')).toMatchObject({ state: 'closed', closed_by: 'operator' });
    expect(await findings.settle(id, 'operator')).toBeNull();
    const [receipt] = await findings.record([numbered(60)]);
    expect(receipt).toMatchObject({ transition: 'opened' });
    expect(findings.open()[0]?.id).not.toBe(id);
  });

  test('a healing closes nothing by its word, and is named where a detection has closed', async () => {
    const { findings } = start();
    await findings.record([exampleDetection()]);
    const id = findings.open()[0]?.id ?? '';
    expect(await findings.settle(id, 'healing')).toBeNull();
    expect(findings.open()).toHaveLength(1);
    await findings.record([numbered(1, { passed: true })]);
    expect(await findings.settle(id, 'healing')).toMatchObject({ state: 'closed', closed_by: 'healing' });
    await findings.record([numbered(2)]);
    await findings.record([numbered(3, { passed: true })], 'healing');
    expect(findings.find({ limit: 1 })).toMatchObject([{ closed_by: 'healing' }]);
  });
});

describe('keeping', () => {
  test('the oldest events go when they are too many, those that open findings began with never', async () => {
    const { findings, warnings } = start({ events_max_bytes: 100_000 });
    await findings.record([exampleDetection({ check_type: 'ssh' })]);
    for (let index = 0; index < 10; index += 1)
      await findings.record(Array.from({ length: 100 }, (_, at) => numbered(index * 100 + at + 1)));
    await expect.poll(() => findings.events({ limit: 1_000 }).length, { timeout: 10_000 }).toBeLessThan(300);
    const kept = findings.events({ limit: 1_000 });
    expect(kept.length).toBeGreaterThan(200);
    expect(kept.slice(-2).map(({ seq }) => seq)).toEqual([2, 1]);
    expect(kept.slice(0, -2).map(({ seq }) => seq)).toEqual(
      Array.from({ length: kept.length - 2 }, (_, index) => 1_001 - index),
    );
    expect(findings.open()).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  test('who sends without end pushes out nothing but what it sent itself', async () => {
    const { findings } = start({ events_max_bytes: 100_000 });
    const other = { subject: 'appliance', passed: true };
    await findings.record(Array.from({ length: 20 }, (_, at) => numbered(at, other)));
    for (let index = 0; index < 20; index += 1)
      await findings.record(
        Array.from({ length: 50 }, (_, at) => numbered(index * 50 + at, { passed: true })),
      );
    await Bun.sleep(30);
    expect(findings.events({ subject: 'appliance', limit: 1_000 })).toHaveLength(20);
    expect(findings.events({ limit: 1_000 }).length).toBeLessThan(300);
  });

  test('a store that is full makes room for what comes next, though nothing was over its limit', async () => {
    const { findings } = start({ max_bytes: 100 * 4_096 });
    let refused = 0;
    for (let index = 0; index < 2_000 && refused < 3; index += 1) {
      const passed = numbered(index, { passed: true, actual: 'x'.repeat(1_000) });
      refused += await findings.record([passed]).then(
        () => 0,
        () => 1,
      );
    }
    expect(refused).toBe(3);
    await Bun.sleep(30);
    expect(await findings.record([numbered(5_000)])).toMatchObject([{ first: true }]);
  });

  test('one whose check goes to and fro does not fill the store with closed findings', async () => {
    const { findings } = start();
    await findings.record([exampleDetection({ subject: 'appliance' })]);
    await findings.record([exampleDetection({ subject: 'appliance', passed: true, actual: '' })]);
    for (let index = 0; index < CLOSED_PER_SUBJECT_MAX + 10; index += 100)
      await findings.record(
        Array.from({ length: 200 }, (_, at) => numbered(2 * index + at, { passed: at % 2 === 1 })),
      );
    const own = (subject: string) => findings.find({ subject, state: 'closed', limit: 1_000 }).length;
    expect([own(SENSOR), own('appliance')]).toEqual([CLOSED_PER_SUBJECT_MAX, 1]);
  });

  test('events that are too old go at the next start', async () => {
    const { findings, file, stop, now_ms } = start();
    await findings.record([exampleDetection(), numbered(1, { check_type: 'ssh', passed: true })]);
    stop();
    const again = start({ file, now_ms: now_ms + (EVENT_AGE_MAX_S + 1) * 1000 });
    await Bun.sleep(30);
    expect(again.findings.events({}).map(({ check_type }) => check_type)).toEqual(['firewall']);
  });
});
