import { describe, expect, test } from 'vitest';
import type { CommandIo } from '../../base/command-line.ts';
import { SITE_REPORT_MAX_BYTES } from '../../protocol/limits.ts';
import type { SiteReport } from '../../protocol/messages/site-report.ts';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, type Device } from '../../test/coordinator/device.ts';
import { exampleFinding, exampleHealing, exampleSiteReport } from '../../test/coordinator/site-report.ts';
import { CRITICAL_FINDING_MS } from '../alarms/limits.ts';
import { runProgram } from '../program.ts';

const backends = openBackends();
const DAY_MS = 24 * 60 * 60 * 1000;

async function tell(device: Device, report: SiteReport): Promise<void> {
  const { status, body } = await device.send('/agent/site', report);
  expect(body).toMatchObject({ server_time_ms: expect.any(Number) });
  expect(status).toBe(200);
}

async function get(lab: CoordinatorLab, path: string): Promise<Record<string, unknown>> {
  const { status, body } = await lab.call('GET', `/api/v1${path}`, undefined, await lab.admin());
  expect(status, path).toBe(200);
  return body;
}

const refusal = (code: string) => ({ body: { error: { code } } });

const ids = async (lab: CoordinatorLab, query = '') =>
  ((await get(lab, `/findings${query}`))['findings'] as { finding: string }[]).map(({ finding }) => finding);

describe.each(BACKENDS)('on %s', (backend) => {
  const start = async (options: Partial<Parameters<typeof startLab>[0]> = {}) => {
    const { data, url } = await backends.place(backend);
    return await startLab({ data, database_url: url, ...options });
  };

  test('a report of a site is what its appliance sees there, and is kept as it is', async () => {
    const lab = await start();
    const device = await approvedDevice(lab);
    expect(await get(lab, `/devices/${device.id}/site`)).toEqual({ site: null });
    const report = exampleSiteReport([exampleFinding()], [exampleHealing()]);
    await tell(device, report);
    const { healings: _, ...rest } = report;
    expect(await get(lab, `/devices/${device.id}/site`)).toMatchObject({
      site: {
        ...{ device_id: device.id, name: 'bulkhead-1a2b3c', mode: 'on', received_ms: expect.any(Number) },
        ...{ sensors: { live: 1, silent: 1, waiting: 0 }, open: { high: 1, critical: 0 } },
        report: { ...rest, findings: { ...rest.findings, list: [] } },
        findings: [{ finding: 'f-1-a', hostname: 'till-1', severity: 'high', closed_ms: null }],
        healings: [exampleHealing()],
      },
    });
    expect(await get(lab, '/site/summary')).toEqual({
      ...{ sites: 1, sensors: { live: 1, silent: 1, waiting: 0 } },
      open: { info: 0, low: 0, medium: 0, high: 1, critical: 0 },
      modes: { on: 1, dry_run: 0, off: 0 },
      healings: {
        ...{ detected: 0, acting: 0, verifying: 0, healed: 1, not_healed: 0, gave_up: 0, refused: 0 },
      },
    });
    expect(await get(lab, '/site')).toMatchObject({ sites: [{ device_id: device.id }] });
  });

  test('a report counts once, whoever sends it again, and nothing without a signature', async () => {
    const lab = await start();
    const device = await approvedDevice(lab);
    await tell(device, exampleSiteReport());
    const again = await device.send('/agent/site', exampleSiteReport([exampleFinding()]), { sequence: 1 });
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'AGENT_REPLAY' } } });
    const other = { otherBody: JSON.stringify(exampleSiteReport([exampleFinding()])) };
    expect(await device.send('/agent/site', exampleSiteReport(), other)).toMatchObject(
      refusal('SIGNATURE_BODY'),
    );
    expect(await ids(lab)).toEqual([]);
    const wrong = { ...exampleSiteReport(), observed_at_ms: 'now' };
    expect(await device.send('/agent/site', wrong)).toMatchObject(refusal('REQUEST_INVALID'));
    const large = { ...exampleSiteReport(), more: 'x'.repeat(SITE_REPORT_MAX_BYTES) };
    expect((await device.send('/agent/site', large)).status).toBe(413);
  });

  test('findings open and close with the reports, and those of the fleet are found by what they are', async () => {
    const lab = await start();
    const [here, there] = [await approvedDevice(lab), await approvedDevice(lab, { hostname: 'bulkhead-2' })];
    const isPast = (at_ms: number) => at_ms <= lab.now_ms();
    const tags = { name: 'Berlin', tags: { site: 'berlin' } };
    await lab.call('PATCH', `/api/v1/devices/${here.id}`, tags, await lab.admin());
    const bad = exampleFinding({
      id: 'f-2-b',
      severity: 'critical',
      check_type: 'patches',
      opened_ms: 2_000,
    });
    await tell(here, exampleSiteReport([bad, exampleFinding()]));
    await tell(there, exampleSiteReport([exampleFinding({ id: 'f-3', opened_ms: 8_640_000_000_000_000 })]));
    expect(await ids(lab)).toEqual(['f-3', 'f-2-b', 'f-1-a']);
    expect(await ids(lab, '?severity=critical')).toEqual(['f-2-b']);
    expect(await ids(lab, '?check=firewall')).toEqual(['f-3', 'f-1-a']);
    expect(await ids(lab, `?device=${there.id}`)).toEqual(['f-3']);
    expect(await ids(lab, '?subject=appliance')).toEqual([]);
    expect(await ids(lab, '?tag=site%3Dberlin')).toEqual(['f-2-b', 'f-1-a']);
    expect(await ids(lab, '?tag=site%3Dber')).toEqual([]);
    expect(await get(lab, '/findings?limit=1')).toMatchObject({
      counts: { high: 2, critical: 1 },
      // No clock of an appliance makes one of tomorrow.
      findings: [{ finding: 'f-3', opened_ms: expect.toSatisfy(isPast), device_name: 'bulkhead-2' }],
    });
    lab.wait(60_000);
    await tell(here, exampleSiteReport([bad]));
    expect(await ids(lab)).toEqual(['f-3', 'f-2-b']);
    expect(await get(lab, '/findings?state=closed')).toMatchObject({
      findings: [{ finding: 'f-1-a', closed_ms: expect.toSatisfy(isPast) }],
    });
    // A list that was cut does not say that what is missing is over.
    const cut = exampleSiteReport([]);
    await tell(here, { ...cut, findings: { ...cut.findings, left_out: 1 } });
    expect(await ids(lab, '?severity=critical')).toEqual(['f-2-b']);
    await lab.call('POST', `/api/v1/devices/${here.id}/end`, { reason: 'sold' }, await lab.admin());
    expect(await ids(lab)).toEqual(['f-3']);
  });

  test('a healing goes on from report to report', async () => {
    const lab = await start();
    const device = await approvedDevice(lab);
    await tell(device, exampleSiteReport([], [exampleHealing({ state: 'acting', ended_ms: null })]));
    const ended = exampleHealing({ state: 'gave_up', reason: 'five times in a day' });
    await tell(device, exampleSiteReport([], [exampleHealing({ id: 'h-2' }), ended]));
    expect(await get(lab, `/devices/${device.id}/site`)).toMatchObject({
      site: { healings: [{ id: 'h-2' }, { id: 'h-1', state: 'gave_up', ended_ms: 2_000 }] },
    });
  });

  test('a critical finding that stays open is an alarm until it is over', async () => {
    const lab = await start({ alarm_interval_ms: 50 });
    const device = await approvedDevice(lab);
    const critical = exampleFinding({ severity: 'critical' });
    await tell(device, exampleSiteReport([critical, exampleFinding({ id: 'f-2' })]));
    const alarms = async () => {
      const all = (await get(lab, '/alarms'))['alarms'] as { kind: string; message: string }[];
      return all.filter(({ kind }) => kind === 'finding_open').map(({ message }) => message);
    };
    lab.wait(CRITICAL_FINDING_MS - 60_000);
    await Bun.sleep(200);
    expect(await alarms()).toEqual([]);
    lab.wait(60_000);
    await expect
      .poll(alarms, { timeout: 15_000 })
      .toEqual([
        expect.stringMatching(/^at bulkhead-1a2b3c, firewall on till-1 is critical since \S+ \S+ UTC$/),
      ]);
    await tell(device, exampleSiteReport([exampleFinding({ id: 'f-2' })]));
    await expect.poll(alarms, { timeout: 15_000 }).toEqual([]);
  });

  test('metrics count open findings and sensors of the appliances that are in', async () => {
    const lab = await start();
    const [one, other] = [await approvedDevice(lab), await approvedDevice(lab)];
    await tell(one, exampleSiteReport([exampleFinding(), exampleFinding({ id: 'f-2' })]));
    await tell(other, exampleSiteReport([exampleFinding({ severity: 'critical' })]));
    const metrics = async () => await (await fetch(`${lab.url}/metrics`)).text();
    expect(await metrics()).toContain('bulkhead_coordinator_site_findings_open{severity="high"} 2\n');
    expect(await metrics()).toContain('bulkhead_coordinator_site_sensors{state="silent"} 2\n');
    await lab.call('POST', `/api/v1/devices/${one.id}/end`, { reason: 'sold' }, await lab.admin());
    expect(await metrics()).toContain('bulkhead_coordinator_site_findings_open{severity="high"} 0\n');
    expect(await metrics()).toContain('bulkhead_coordinator_site_findings_open{severity="critical"} 1\n');
  });

  test('closed findings go when they are old, open ones stay', async () => {
    const keep = { reports: 10, orders: 10, alarms: 10, builds: 10 };
    const lab = await start({ keep, forget_interval_ms: 50 });
    const device = await approvedDevice(lab);
    const admin = await lab.admin();
    await lab.call('PUT', '/api/v1/me/password', { password: 'a good long password' }, admin);
    await tell(device, exampleSiteReport([exampleFinding(), exampleFinding({ id: 'f-2' })]));
    await tell(device, exampleSiteReport([exampleFinding()]));
    expect(await ids(lab, '?state=closed')).toEqual(['f-2']);
    lab.wait(11 * DAY_MS);
    const session = { name: 'admin', password: 'a good long password' };
    const token = String((await lab.call('POST', '/api/v1/session', session)).body['token']);
    const of = async (query: string) =>
      (await lab.call('GET', `/api/v1/findings${query}`, undefined, token)).body['findings'];
    await expect.poll(() => of('?state=closed'), { timeout: 15_000 }).toEqual([]);
    expect(await of('')).toMatchObject([{ finding: 'f-1-a' }]);
  });
});

test('the command line lists sites and findings', async () => {
  const lab = await startLab();
  const device = await approvedDevice(lab);
  await tell(device, exampleSiteReport([exampleFinding({ severity: 'critical' })]));
  const token = await lab.admin();
  const say = async (...args: string[]) => {
    let out = '';
    const add = (text: string) => {
      out += text;
    };
    const io: CommandIo = { out: add, err: add, setExitCode: () => {} };
    process.env['BULKHEAD_TOKEN'] = token;
    await runProgram(['site', ...args, '--server', lab.url], io);
    delete process.env['BULKHEAD_TOKEN'];
    return out;
  };
  expect(await say('list')).toMatch(/bulkhead-1a2b3c +\S{36} +\S+ \S+ +1 +1 +1 +0 +0 +on/);
  expect(await say('findings', '--severity', 'critical')).toMatch(
    /critical +firewall +till-1 \(s-0+aa\) +bulkhead-1a2b3c/,
  );
  expect(await say('findings', '--state', 'closed')).not.toContain('till-1');
  expect(JSON.parse(await say('show', device.id))).toMatchObject({ site: { device_id: device.id } });
  expect(JSON.parse(await say('show'))).toMatchObject({ sites: 1, open: { critical: 1 } });
});
