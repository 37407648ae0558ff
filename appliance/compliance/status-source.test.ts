import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ComplianceReport } from '../../status-page/compliance/report.ts';
import { healthyStatus } from '../../status-page/example-status.ts';
import { createStatusApp } from '../../status-page/status-app.ts';
import { testSource } from '../../status-page/test-source.ts';
import { startTestSite } from '../../test/site/test-site.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { callSite } from '../site/control/client.ts';
import { APPLIANCE_CONTROLS } from './register/register.ts';
import { complianceSource } from './status-source.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test('the status page shows what the service of the site sees of this very machine, over its socket', async () => {
  const folder = makeFolder('compliance-page');
  const socket = join(folder, 'control.sock');
  const site = await startTestSite({ folder, socket });
  ends.push(() => site.stop());
  const problems: string[] = [];
  const app = createStatusApp({
    source: testSource(healthyStatus()),
    compliance: complianceSource(socket),
    onProblem: ({ message }) => problems.push(message),
  });
  ends.push(() => app.close());
  const get = (path: string) => app.handle(new Request(`http://localhost${path}`));

  const before = (await (await get('/api/v1/compliance')).json()) as ComplianceReport;
  expect(before.controls.map(({ id }) => id)).toEqual(APPLIANCE_CONTROLS.map(({ id }) => id));
  // Root has not written anything down here, and that is no reason to believe in anything.
  expect(before.controls.find(({ id }) => id === 'BH-IA-03')?.state).toBe('unknown');
  expect(before.controls.find(({ id }) => id === 'BH-AU-01')?.state).toBe('holds');
  expect(before.findings).toEqual([]);

  const { findings, appliance } = (await callSite('/v1/compliance/run', {
    socket,
    method: 'POST',
  })) as ComplianceReport;
  expect(findings).toHaveLength(appliance.fails + appliance.unknown);
  expect(await (await get('/compliance')).text()).toContain('BH-AC-01');
  expect(
    Buffer.from(await (await get('/compliance.pdf')).arrayBuffer())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-');
  expect((await (await get('/compliance.csv')).text()).split('\r\n')).toHaveLength(
    APPLIANCE_CONTROLS.length + 2,
  );
  expect(problems).toEqual([]);

  await site.stop();
  const alone = createStatusApp({
    source: testSource(healthyStatus()),
    compliance: complianceSource(socket),
  });
  ends.push(() => alone.close());
  expect((await alone.handle(new Request('http://localhost/compliance'))).status).toBe(503);
});
