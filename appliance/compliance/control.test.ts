import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { admitReport, type ComplianceReport } from '../../status-page/compliance/report.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { callSite } from '../site/control/client.ts';
import { serveControl } from '../site/control/server.ts';
import { complianceControl } from './control.ts';
import { goodSight, NOON_MS } from './lab/sight.ts';
import { startCompliance } from './lab/start-compliance.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function start() {
  const folder = makeFolder('compliance-control');
  const lab = startCompliance(folder);
  const socket = join(folder, 'control.sock');
  const faults: string[] = [];
  const control = serveControl({
    socket,
    parts: [complianceControl(lab.compliance, () => lab.clock_ms)],
    onFault: (words) => faults.push(words),
  });
  ends.push(lab.stop, control.stop);
  const ask = (path: string, method: 'GET' | 'POST' = 'GET') => callSite(path, { socket, method });
  const file = (path: string) => fetch(`http://site.local${path}`, { unix: socket });
  return { lab, ask, file, faults };
}

test('the report has the form that page and programs rely on', async () => {
  const { ask } = start();
  const report = await ask('/v1/compliance/run', 'POST');
  expect(admitReport(report)).toEqual(report);
  expect(await ask('/v1/compliance')).toEqual(report);
});

test('a control, a machine and a framework are told with their results and their past', async () => {
  const { lab, ask } = start();
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  await ask('/v1/compliance/run', 'POST');
  expect(await ask('/v1/compliance/controls/BH-SC-17')).toMatchObject({
    control: { id: 'BH-SC-17', state: 'fails', seen: 'up: wlan0' },
    results: [{ subject: 'appliance', state: 'fails' }],
    history: [{ fails: 1, rate: 0 }],
  });
  expect(await ask('/v1/compliance/machines/appliance')).toMatchObject({
    machine: { subject: 'appliance', failing: ['BH-SC-17'] },
    history: [{ fails: 1 }],
  });
  const { framework, controls } = (await ask('/v1/compliance/frameworks/STIG')) as {
    framework: ComplianceReport['frameworks'][number];
    controls: ComplianceReport['controls'];
  };
  expect(framework).toMatchObject({ framework: 'STIG', fails: 1 });
  expect(controls.length).toBe(framework.holds + framework.fails + framework.justified);
  const from = NOON_MS / 1000 - 60;
  expect(await ask(`/v1/compliance/history?scope=framework:STIG&from=${from}&step=hour`)).toHaveLength(1);
});

test('what is not known is said with a code', async () => {
  const { ask, faults } = start();
  await expect(ask('/v1/compliance/controls/BH-ZZ-01')).rejects.toMatchObject({
    code: 'COMPLIANCE_CONTROL_UNKNOWN',
  });
  await expect(ask('/v1/compliance/machines/s-1')).rejects.toMatchObject({
    code: 'COMPLIANCE_MACHINE_UNKNOWN',
  });
  await expect(ask('/v1/compliance/frameworks/ISO')).rejects.toMatchObject({ code: 'SITE_REQUEST_INVALID' });
  await expect(ask('/v1/compliance/history?step=year')).rejects.toMatchObject({
    code: 'SITE_REQUEST_INVALID',
  });
  expect(faults).toEqual([]);
});

test('the exports come as files, and twice the same', async () => {
  const { ask, file } = start();
  await ask('/v1/compliance/run', 'POST');
  const csv = await file('/v1/compliance/export.csv');
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect((await csv.text()).startsWith('subject,hostname,control,')).toBe(true);
  const pdf = await file('/v1/compliance/export.pdf');
  expect(pdf.headers.get('content-type')).toBe('application/pdf');
  const bytes = Buffer.from(await pdf.arrayBuffer());
  expect(bytes.subarray(0, 5).toString()).toBe('%PDF-');
  const again = Buffer.from(await (await file('/v1/compliance/export.pdf')).arrayBuffer());
  expect(again.equals(bytes)).toBe(true);
});
