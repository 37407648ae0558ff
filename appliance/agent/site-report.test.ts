import { Value } from '@sinclair/typebox/value';
import { describe, expect, test } from 'vitest';
import {
  SITE_FINDINGS_MAX,
  SITE_HEALINGS_MAX,
  SITE_REPORT_MAX_BYTES,
  SITE_SENSORS_MAX,
} from '../../protocol/limits.ts';
import { SiteReport } from '../../protocol/messages/site-report.ts';
import type { Finding } from '../findings/findings.ts';
import type { Healing } from '../healing/engine/healing-record.ts';
import type { Sensor } from '../sensors/registry/sensor.ts';
import { fitReport, isReportDue, newsOf, type SiteSight, siteReport } from './site-report.ts';

const AT_MS = Date.parse('2026-11-21T12:00:00Z');
const instant = (ago_s: number) => new Date(AT_MS - ago_s * 1000).toISOString();
const NONE = new Map();

function sensor(index: number, changed: Partial<Sensor> = {}): Sensor {
  const id = `s-${index.toString(16).padStart(16, '0')}`;
  return {
    ...{ id, hostname: `till-${index}`, way: 'grpc', domain: null, os_version: '', agent_version: '' },
    ...{ mac_address: null, tier: 'self_heal', admitted_at: instant(9000), admitted_by: 'code' },
    ...{ revoked_at: null, last_heard_at: instant(10), mode: null, drift_count: 0, healing_count: 0 },
    ...changed,
  };
}

function finding(index: number, changed: Partial<Finding> = {}): Finding {
  return {
    ...{ id: `f-${index}`, subject: 'appliance', hostname: 'box', check_type: `check_${index}` },
    ...{ control: null, severity: 'low', state: 'open', opened_at: instant(1000 - index) },
    ...{ last_seen_at: instant(1), closed_at: null, closed_by: null, expected: '', actual: '' },
    ...{ times_seen: 1, ...changed },
  };
}

function healing(index: number, state: Healing['state'] = 'healed'): SiteSight['healings'][number] {
  const facts = {
    id: `h-${index}`,
    seq: index,
    subject: 'appliance',
    hostname: 'box',
    state,
    dry_run: false,
  };
  return {
    ...{ ...facts, check_type: 'ssh', action: 'start_service', reason: 'the check\npasses' },
    ...{ detected_s: 100, ended_s: state === 'healed' ? 200 : null },
  };
}

function sight(changed: Partial<SiteSight> = {}): SiteSight {
  return {
    ...{ at_ms: AT_MS, sensors: { sensors: [], waiting: [] }, findings: [], healings: [] },
    healing: {
      switch: { mode: 'on', configured: 'on', switched: 'on', reason: '', by_whom: '', at: null },
      rules: { version: null, taken_at: null, note: '', used: 0 },
    },
    compliance: { frameworks: [] },
    evidence: { chain: 'a'.repeat(32), head: { seq: 1, hash: 'b'.repeat(64) } },
    ...changed,
  };
}

describe('a report', () => {
  test('names silent sensors and the worst findings first, and counts all', () => {
    const sensors = [
      sensor(1),
      sensor(2, { last_heard_at: instant(181) }),
      sensor(3, { revoked_at: instant(5) }),
    ];
    const findings = [finding(1), finding(2, { severity: 'critical', hostname: 'a\tb' }), finding(3)];
    const report = siteReport(
      sight({ sensors: { sensors, waiting: [] }, findings, healings: [healing(1)] }),
      NONE,
    );
    expect(Value.Check(SiteReport, report)).toBe(true);
    expect(report.sensors).toMatchObject({
      ...{ states: { live: 1, silent: 1 }, tiers: { self_heal: 2 }, left_out: 0 },
      list: [{ hostname: 'till-2', state: 'silent' }, { hostname: 'till-1' }],
    });
    expect(report.findings).toMatchObject({
      severities: { low: 2, critical: 1 },
      list: [{ id: 'f-2', hostname: 'a b' }, { id: 'f-3' }, { id: 'f-1' }],
    });
    expect(report.healings.list).toMatchObject([
      { id: 'h-1', ended_ms: 200_000, reason: 'the check passes' },
    ]);
  });

  test('leaves out healings that stand as they were told', () => {
    const healings = [healing(2), healing(1, 'acting')];
    const told = new Map([
      ['h-1', 'detected' as const],
      ['h-2', 'healed' as const],
    ]);
    expect(siteReport(sight({ healings }), told).healings.list.map(({ id }) => id)).toEqual(['h-1']);
  });

  test('of the largest site with the longest names fits, and says how much is left out', () => {
    const many = <T>(count: number, make: (index: number) => T) =>
      Array.from({ length: count }, (_, i) => make(i));
    const hostname = 'ü'.repeat(253);
    const report = siteReport(
      sight({
        sensors: { sensors: many(2_000, (index) => sensor(index, { hostname })), waiting: [] },
        findings: many(3_000, (index) => finding(index, { hostname })),
        healings: many(200, (index) => healing(index)),
      }),
      NONE,
    );
    expect(Value.Check(SiteReport, report)).toBe(true);
    expect(report.sensors).toMatchObject({ left_out: 2_000 - SITE_SENSORS_MAX, states: { live: 2_000 } });
    expect(report.findings.left_out).toBe(3_000 - SITE_FINDINGS_MAX);
    expect(report.healings.left_out).toBe(200 - SITE_HEALINGS_MAX);
    const fitted = fitReport(report, SITE_REPORT_MAX_BYTES);
    expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThanOrEqual(SITE_REPORT_MAX_BYTES);
    expect(fitted.findings.list.length + fitted.findings.left_out).toBe(3_000);
    expect(fitted.findings.list.length).toBeGreaterThan(0);
    expect(Value.Check(SiteReport, fitted)).toBe(true);
    // Names of usual length: nothing more is left out than by number.
    const usual = siteReport(
      sight({
        sensors: {
          sensors: many(500, (index) => sensor(index, { hostname: 'till-123.berlin.example' })),
          waiting: [],
        },
        findings: many(200, (index) =>
          finding(index, { control: '164.312(a)(2)(iv)', hostname: 'till-123' }),
        ),
        healings: many(50, (index) => healing(index)),
      }),
      NONE,
    );
    expect(fitReport(usual, SITE_REPORT_MAX_BYTES)).toEqual(usual);
  });
});

test('news is who is silent and what is open, not when somebody was heard and how long the evidence is', () => {
  const of = (changed: Partial<SiteSight>) => newsOf(siteReport(sight(changed), NONE));
  const sensors = (last_heard_at: string) => ({
    sensors: { sensors: [sensor(1, { last_heard_at })], waiting: [] },
  });
  expect(of(sensors(instant(10)))).toBe(of(sensors(instant(60))));
  expect(of(sensors(instant(10)))).not.toBe(of(sensors(instant(600))));
  expect(of({ evidence: { chain: 'a'.repeat(32), head: { seq: 9, hash: 'c'.repeat(64) } } })).toBe(of({}));
  expect(of({ findings: [finding(1)] })).not.toBe(of({}));
});

test('a report goes out at first, when its news has settled, and in the end of every interval', () => {
  const due = (news: string, before: string | null, told: string | null, ago_ms: number) =>
    isReportDue({
      ...{ news, before, at_ms: 1000, interval_ms: 900 },
      told: told === null ? null : { news: told, at_ms: 1000 - ago_ms },
    });
  expect(due('a', null, null, 0)).toBe(true);
  expect(due('a', 'a', 'a', 899)).toBe(false);
  expect(due('a', 'a', 'a', 900)).toBe(true);
  expect(due('b', 'a', 'a', 10)).toBe(false);
  expect(due('b', 'b', 'a', 10)).toBe(true);
});
