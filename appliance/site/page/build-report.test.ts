import { expect, test } from 'vitest';
import { admitSiteReport } from '../../../status-page/site/report.ts';
import type { Sensor } from '../../sensors/registry/sensor.ts';
import { buildSiteReport, type SiteAnswers } from './build-report.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const SENSOR: Sensor = {
  ...{ id: 's-1111111111111111', hostname: 'till-1', way: 'grpc', domain: 'corp', os_version: 'Debian 12' },
  ...{ agent_version: '1.4.0', mac_address: '02:00:00:00:00:01', tier: 'self_heal', mode: null },
  ...{ admitted_at: '2026-11-01T00:00:00.000Z', admitted_by: 'code', revoked_at: null },
  ...{ last_heard_at: '2026-11-21T11:59:00.000Z', drift_count: 0, healing_count: 0 },
};

function answers(sensors: Sensor[]): SiteAnswers {
  return {
    ...{ now: NOW, hostname: 'box', targets: [], findings: [], events: [], healings: [] },
    sensors: { sensors, waiting: [], behind: {} },
    counts: {
      events: 7,
      open: [
        { subject: 's-1111111111111111', severity: 'high', count: 2 },
        { subject: 's-1111111111111111', severity: 'low', count: 1 },
        { subject: 'appliance', severity: 'high', count: 4 },
      ],
    },
    healing: {
      switch: { mode: 'on', configured: 'on', switched: 'on', reason: '', by_whom: '', at: null },
      ...{ rules: { version: null, used: 3 } as SiteAnswers['healing']['rules'], stopped: [], running: 0 },
      counts: { detected: 0, acting: 0, verifying: 0, healed: 1, not_healed: 0, gave_up: 0, refused: 0 },
    },
    evidence: {
      ...{ chain: 'c', key_id: 'k', device: 'd', head: { seq: 12, hash: 'h' }, size_bytes: 5, max_bytes: 9 },
      ...{
        failure: null,
        countersigned: { seq: 9, noted_at: '2026-11-21T11:00:00.000Z' },
        chains: [],
        segments: [],
      },
    },
  };
}

test('counts findings of a machine and by severity, and holds to the schema of the page', () => {
  const report = buildSiteReport(answers([SENSOR]));
  expect(report.sensors).toMatchObject([{ state: 'live', open_findings: 3 }]);
  expect(report.counts.findings).toEqual({ critical: 0, high: 6, medium: 0, low: 1, info: 0 });
  expect(report.evidence).toMatchObject({ records: 12, countersigned: { records: 9 } });
  expect(admitSiteReport(report)).toEqual(report);
});

test('says which version a sensor should run and does not yet', () => {
  const { sensors } = answers([SENSOR, { ...SENSOR, id: 's-2222222222222222' }]);
  const behind = { 's-2222222222222222': '1.5.0' };
  const report = buildSiteReport({ ...answers([]), sensors: sensors && { ...sensors, behind } });
  expect(report.sensors.map(({ newer_version }) => newer_version)).toEqual([null, '1.5.0']);
  expect(admitSiteReport(report)).toEqual(report);
});

test('those heard of last come first', () => {
  const older = { ...SENSOR, id: 's-2', last_heard_at: '2026-11-21T11:00:00.000Z' };
  const never = { ...SENSOR, id: 's-3', last_heard_at: null };
  const { sensors } = buildSiteReport(answers([never, older, SENSOR]));
  expect(sensors.map(({ id }) => id)).toEqual([SENSOR.id, 's-2', 's-3']);
});
