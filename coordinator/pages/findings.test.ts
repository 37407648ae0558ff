import { expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { exampleFinding, exampleHealing, exampleSiteReport } from '../../test/coordinator/site-report.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';

test('findings of the fleet are shown with their counts, filtered, and on the page of their appliance', async () => {
  const lab = await startLab();
  const visitor = new Visitor(lab, await lab.admin());
  const device = await approvedDevice(lab, { hostname: 'bulkhead-site' });
  expect((await visitor.see(`/devices/${device.id}`)).html).toContain('It has told nothing of its site.');
  expect((await visitor.see('/findings')).html).toContain('Nothing is open.');
  const findings = [
    exampleFinding({ severity: 'critical', check_type: 'bitlocker', hostname: '<b>till</b>' }),
    exampleFinding({ id: 'f-2', check_type: 'patches' }),
  ];
  await device.send('/agent/site', exampleSiteReport(findings, [exampleHealing({ state: 'gave_up' })]));
  const all = (await visitor.see('/findings')).html;
  expect(all).toContain('all (2)');
  expect(all).toContain('critical (1)');
  expect(all).toContain('&lt;b&gt;till&lt;/b&gt;');
  const some = (await visitor.see('/findings?severity=high&check=patches')).html;
  expect(some).toContain('patches');
  expect(some).not.toContain('bitlocker</span>');
  expect((await visitor.see('/findings?tag=site%3Dberlin')).html).toContain('Nothing is open.');
  expect((await visitor.see('/findings?severity=awful')).status).toBe(400);
  const card = (await visitor.see(`/devices/${device.id}`)).html;
  expect(card).toContain(`href="/findings?device=${device.id}&severity=critical"`);
  expect(card).toContain('1 live, 1 silent');
  expect(card).toContain('till-2');
  expect(card).toContain('firewall on till-1: gave up');
  expect(card).toContain('90 %, 1 open');
});
