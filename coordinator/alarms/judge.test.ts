import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AlarmFacts, ReportedChange } from './facts.ts';
import { lawfulFirewall } from './firewall.ts';
import { judge } from './judge.ts';
import { ALARM_KINDS, type AlarmKind, severityOf } from './kinds.ts';
import { LAWFUL_WITHIN_MS, REFUSALS_MIN, SIGN_INS_FAILED_MIN } from './limits.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 12);
const MINUTE_MS = 60_000;
const one = { device: 'd1', name: 'Reception' };

const NOTHING: AlarmFacts = {
  ...{
    at_ms: NOW_MS,
    quiet: [],
    updates: [],
    images: [],
    firewalls: [],
    drift: [],
    braked: [],
    channels: [],
    stuck: [],
    failed: [],
    forks: [],
    lasting: [],
  },
  ...{ reports: { taken: 0, refused: new Map() }, sign_ins_failed: 0 },
};
const found = (kind: AlarmKind, facts: Partial<AlarmFacts>) => judge({ ...NOTHING, ...facts }).get(kind);

describe('an appliance', () => {
  const quiet = (heard_ms: number | null, interval_s = 60) => ({
    ...{ ...one, heard_ms, interval_s, decided_ms: NOW_MS - 60 * MINUTE_MS },
  });

  test('is silent after ten of its own intervals, not before', () => {
    const heard_ms = NOW_MS - 10 * MINUTE_MS;
    expect(found('appliance_silent', { quiet: [quiet(heard_ms)] })).toEqual([
      {
        subject: 'device:d1',
        message: 'Reception has not been heard since 2026-11-21 11:50 UTC; it was to report every 60 s',
      },
    ]);
    expect(found('appliance_silent', { quiet: [quiet(heard_ms + 1)] })).toEqual([]);
    expect(found('appliance_silent', { quiet: [quiet(heard_ms, 120)] })).toEqual([]);
  });

  test('that was let in and never came is silent, too', () => {
    const [finding] = found('appliance_silent', { quiet: [quiet(null)] }) ?? [];
    expect(finding?.message).toContain('has never been heard');
    const fresh = { ...quiet(null), decided_ms: NOW_MS - MINUTE_MS };
    expect(found('appliance_silent', { quiet: [fresh] })).toEqual([]);
  });

  test('whose update failed is told with the reason, unless it runs that version by now', () => {
    const failed = {
      ...one,
      running: '1.0.0',
      version: '1.1.0',
      outcome: 'rolled_back',
      message: 'no agent',
    };
    expect(found('update_failing', { updates: [failed] })?.[0]?.message).toBe(
      'Reception: its update to 1.1.0 ended as rolled back: no agent',
    );
    expect(found('update_failing', { updates: [{ ...failed, running: '1.1.0' }] })).toEqual([]);
  });

  test('runs the image that was published, or something else; of what was never published nothing is known', () => {
    const image = { ...one, version: '1.0.0', root_hash: 'a'.repeat(64) };
    expect(found('image_changed', { images: [{ ...image, published: 'b'.repeat(64) }] })).toHaveLength(1);
    expect(found('image_changed', { images: [{ ...image, published: image.root_hash }] })).toEqual([]);
    expect(found('image_changed', { images: [{ ...image, published: null }] })).toEqual([]);
  });

  test.each([
    ['behind', '1.0.0', 2, 'Reception runs 1.0.0, 2 releases behind 1.2.0'],
    ['ahead', '1.3.0', 1, 'Reception runs 1.3.0, 1 release ahead of 1.2.0'],
    ['unknown', '9.9.9', null, 'Reception runs 9.9.9, which is no release here; it should run 1.2.0'],
  ] as const)('that drifted says how far: %s', (state, running, releases, message) => {
    const drift = [{ ...one, state, running, releases, desired: '1.2.0' }];
    expect(found('drift', { drift })).toEqual([{ subject: 'device:d1', message }]);
  });
});

test('every kind has a section in the guide, with its severity', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/operate/alarms.md'), 'utf8');
  const sections = [...guide.matchAll(/^## (\w+)\n\n(\w+)\./gm)].map(([, kind, severity]) => [
    kind,
    severity,
  ]);
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  expect(sections).toEqual(ALARM_KINDS.map((kind) => [kind, capital(severityOf(kind))]));
});

test('what was not looked at says nothing, which is not the same as that nothing is wrong', () => {
  expect(judge({ ...NOTHING, drift: null }).has('drift')).toBe(false);
  expect(judge(NOTHING).get('drift')).toEqual([]);
});

test('refused requests are an alarm above a number and a share', () => {
  const refused = new Map([
    ['SIGNATURE_WRONG', REFUSALS_MIN - 1],
    ['AGENT_REPLAY', 1],
  ]);
  expect(found('reports_refused', { reports: { taken: 100, refused } })?.[0]?.message).toContain(
    'AGENT_REPLAY, SIGNATURE_WRONG',
  );
  expect(found('reports_refused', { reports: { taken: 1_000_000, refused } })).toEqual([]);
  refused.delete('AGENT_REPLAY');
  expect(found('reports_refused', { reports: { taken: 0, refused } })).toEqual([]);
});

test('sign-ins that fail are an alarm above what people mistype', () => {
  expect(found('sign_ins_failing', { sign_ins_failed: SIGN_INS_FAILED_MIN - 1 })).toEqual([]);
  expect(found('sign_ins_failing', { sign_ins_failed: SIGN_INS_FAILED_MIN })).toHaveLength(1);
});

describe('a firewall', () => {
  const change = (minute: number, ...fields: [string, unknown, unknown][]): ReportedChange => ({
    at_ms: minute * MINUTE_MS,
    changes: fields.map(([field, before, after]) => ({ field, before, after })),
  });
  const firewall = (before: unknown, after: unknown): [string, unknown, unknown] => [
    ...(['firewall_hash', before, after] as const),
  ];
  const LATER = LAWFUL_WITHIN_MS / MINUTE_MS + 1;

  test.each<[string, ReportedChange[], string | null]>([
    ['that never changed is lawful', [change(0)], null],
    ['that was not known before is lawful', [change(0, firewall(null, 'a'))], null],
    ['that changed by itself is not', [change(0, firewall('a', 'b'))], 'a'],
    [
      'that changed twice by itself should be the first',
      [change(0, firewall('a', 'b')), change(1, firewall('b', 'c'))],
      'a',
    ],
    [
      'that changed with the configuration is lawful',
      [change(0, ['configuration_hash', 'x', 'y'], firewall('a', 'b'))],
      null,
    ],
    [
      'that follows the configuration a little later is lawful',
      [change(0, ['configuration_hash', 'x', 'y']), change(2, firewall('a', 'b'))],
      null,
    ],
    [
      'that is told a little before the configuration is lawful',
      [change(0, firewall('a', 'b')), change(1, ['configuration_hash', 'x', 'y'])],
      null,
    ],
    [
      'that changed long after the configuration is not',
      [change(0, ['configuration_hash', 'x', 'y']), change(LATER, firewall('a', 'b'))],
      'a',
    ],
    [
      'that comes with a new image is lawful again',
      [change(0, firewall('a', 'b')), change(LATER, ['image_version', '1', '2'], firewall('b', 'c'))],
      null,
    ],
  ])('%s', (_, reports, lawful) => {
    expect(lawfulFirewall(reports)).toBe(lawful);
  });

  test('is an alarm until it is again what it was', () => {
    const reports = [change(0, firewall('a', 'b'))];
    expect(found('firewall_changed', { firewalls: [{ ...one, current: 'b', reports }] })).toHaveLength(1);
    const back = [...reports, change(5, firewall('b', 'a'))];
    expect(found('firewall_changed', { firewalls: [{ ...one, current: 'a', reports: back }] })).toEqual([]);
    expect(found('firewall_changed', { firewalls: [{ ...one, current: null, reports }] })).toEqual([]);
  });
});
