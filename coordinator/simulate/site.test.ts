import { Value } from '@sinclair/typebox/value';
import { expect, test } from 'vitest';
import { SiteReport } from '../../protocol/messages/site-report.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { startFleet } from './fleet.ts';
import { SITE_CHANGE_MS } from './limits.ts';
import { siteReportOf } from './site.ts';

test('a simulated site is the same for a quarter of an hour, and in a day something goes wrong and is healed', () => {
  const at_ms = 1_790_000_100_000;
  const first = siteReportOf('seed', 3, at_ms);
  const again = siteReportOf('seed', 3, at_ms + 1);
  expect(again.findings).toEqual(first.findings);
  expect(again.evidence).toEqual(first.evidence);
  const day = Array.from({ length: 96 }, (_, turn) => siteReportOf('seed', 3, at_ms + turn * SITE_CHANGE_MS));
  for (const report of day) expect(Value.Check(SiteReport, report)).toBe(true);
  expect(day.some(({ findings }) => findings.list.length > 0)).toBe(true);
  expect(day.some(({ healings }) => healings.states.healed > 0)).toBe(true);
  expect(day.some(({ sensors }) => (sensors?.states.silent ?? 0) > 0)).toBe(true);
  expect(new Set(day.flatMap(({ findings }) => findings.list.map(({ id }) => id))).size).toBe(
    day.reduce((sum, { findings }) => sum + findings.list.length, 0),
  );
});

test('as many of a simulated fleet as wanted tell of their sites', async () => {
  const settings = { heartbeat_interval_s: 2, agent_min_version: null, trusted_proxies: new Set<string>() };
  const lab = await startLab({ settings });
  const admin = await lab.admin();
  const wanted = { note: 'test', uses_max: 8, expires_ms: lab.now_ms() + 3_600_000 };
  const { body } = await lab.call('POST', '/api/v1/enrolment-codes', wanted, admin);
  const fleet = startFleet({
    ...{ server: new URL(lab.url), appliances: 8, seed: 'sites', hardware: 'qemu', version: '1.0.0' },
    ...{ odds: { failure: 0, rollback: 0, silent: 0 }, update_ms: 200, sessions: true, sites_percent: 25 },
    codeFor: () => String(body['code']),
  });
  await expect.poll(() => fleet.read(), { timeout: 8000 }).toMatchObject({ let_in: 8, site_reports: 2 });
  await fleet.stop();
  expect(fleet.read().refusals).toEqual({});
  const summary = (await lab.call('GET', '/api/v1/site/summary', undefined, admin)).body;
  expect(summary).toMatchObject({ sites: 2, modes: { on: 2 } });
  expect((summary['sensors'] as { live: number }).live).toBeGreaterThanOrEqual(2);
});
