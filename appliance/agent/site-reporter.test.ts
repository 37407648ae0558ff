import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startLinkLab, until } from '../../test/coordinator/link-lab.ts';
import { startTestSite } from '../../test/site/test-site.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { createFindings } from '../findings/findings.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { callSite } from '../site/control/client.ts';
import { openSiteStore } from '../site/store/store.ts';
import { startSiteReporter } from './site-reporter.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Told {
  id: string;
  finding: string;
}

test('what the service of the site sees is at the coordinator soon after, and goes from there when it is over', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const folder = makeFolder('site');
  const socket = join(folder, 'control.sock');
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: [FINDINGS_PART], warn: () => {} });
  const findings = createFindings({ store, now_ms: Date.now, warn: () => {} });
  await findings.record([
    {
      ...{ subject: 's-00000000000000aa', hostname: 'till-1', check_type: 'bitlocker', passed: false },
      ...{ control: null, expected: 'on', actual: 'off', severity: 'critical', metadata: {} },
      at_s: Math.floor(Date.now() / 1000),
    },
  ]);
  findings.stop();
  store.stop();
  const site = await startTestSite({ folder, socket });
  ends.push(() => site.stop());
  const warnings: string[] = [];
  const reporter = startSiteReporter({
    ...{ link, socket, warn: (message) => warnings.push(message), now: () => new Date(), look_ms: 50 },
  });
  ends.push(() => reporter.stop());
  const open = async () =>
    (await lab.ask('GET', `/api/v1/findings?device=${link.id}&check=bitlocker`))['findings'] as Told[];
  await until(async () => (await open()).length === 1);
  const [told] = await open();
  expect(told).toMatchObject({ hostname: 'till-1', severity: 'critical', subject: 's-00000000000000aa' });
  expect(await lab.ask('GET', `/api/v1/devices/${link.id}/site`)).toMatchObject({
    site: {
      ...{ mode: 'off', sensors: { live: 0, silent: 0, waiting: 0 }, open: { critical: 1 } },
      report: { compliance: [{ framework: 'HIPAA' }, { framework: 'SRG' }, { framework: 'STIG' }] },
    },
  });
  await callSite(`/v1/findings/${told?.finding}/close`, { socket, method: 'POST', body: {} });
  await until(async () => (await open()).length === 0);
  expect(
    await lab.ask('GET', `/api/v1/findings?device=${link.id}&check=bitlocker&state=closed`),
  ).toMatchObject({ findings: [{ finding: told?.finding }] });
  expect(warnings).toEqual([]);
  expect(link.problem()).toBeNull();
}, 30_000);

test('without a service of the site nothing is told, and nobody is warned', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const warnings: string[] = [];
  const socket = join(makeFolder('nobody'), 'socket');
  const reporter = startSiteReporter({
    ...{ link, socket, warn: (message) => warnings.push(message), now: () => new Date(), look_ms: 5 },
  });
  await Bun.sleep(100);
  await reporter.stop();
  expect(warnings).toEqual([]);
  expect(await lab.ask('GET', `/api/v1/devices/${link.id}/site`)).toEqual({ site: null });
});
