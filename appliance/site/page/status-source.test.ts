import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startLog } from '../../../base/log.ts';
import { run } from '../../../base/run.ts';
import type { SiteReport } from '../../../status-page/site/report.ts';
import { startTestSite } from '../../../test/site/test-site.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { startAgent } from '../../agent/agent.ts';
import { createServiceManager } from '../../agent/service-manager.ts';
import { loadConfig } from '../../config/load.ts';
import { builtInConfig } from '../../config/schema.ts';
import { makeFactTree } from '../../facts/fact-tree.ts';
import { orderPathsBelow } from '../../orders/lab/paths-below.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const HOST = '127.0.0.1';

/** A port that is free now. */
function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: HOST, fetch: () => new Response() });
  const { port = 0 } = server;
  server.stop(true);
  return port;
}

async function startAppliance(sensors: { enabled: boolean }) {
  const folder = makeFolder('site-page');
  const socket = join(folder, 'control.sock');
  const http = freePort();
  const site = await startTestSite({
    ...{ folder, socket, sensorPorts: { grpc: 0, http, host: HOST } },
    config: { sensors, healing: { mode: 'dry_run' }, targets: [] },
  });
  ends.push(() => site.stop());
  const tree = makeFactTree();
  ends.push(() => tree.remove());
  const consoleFile = `${tree.root}/run/bulkhead-agent/console.txt`;
  for (const name of ['bulkhead', 'bulkhead-agent'])
    mkdirSync(`${tree.root}/run/${name}`, { recursive: true });
  const agent = await startAgent({
    ...{ port: 0, listen: HOST, siteId: null, coordinator: builtInConfig().coordinator, storeFolder: null },
    loadConfig: () => loadConfig({ imageFile: '', deviceFile: '', environment: {} }),
    ...{ paths: tree.context.paths, orderPaths: orderPathsBelow(tree.root), siteSocket: socket },
    ...{ restart: () => undefined, watchedFolder: `${tree.root}/run/bulkhead`, consoleFile },
    ...{ run, now: () => new Date(), log: startLog({}, 'agent') },
    serviceManager: createServiceManager({}, run, () => {}),
  });
  ends.push(() => agent.stop());
  const page = `http://${HOST}:${agent.port}`;
  const report = async () => (await (await fetch(`${page}/api/v1/site`)).json()) as SiteReport;
  const consoleText = () => (existsSync(consoleFile) ? readFileSync(consoleFile, 'utf8') : '');
  return { site, page, report, consoleText, consoleFile, sensors: `http://${HOST}:${http}` };
}

async function until<T>(look: () => T | null | undefined | false, timeout_ms = 10_000): Promise<T> {
  const end_ms = performance.now() + timeout_ms;
  for (;;) {
    const seen = look();
    if (seen) return seen;
    if (performance.now() > end_ms) throw new Error('it did not happen in time');
    await Bun.sleep(25);
  }
}

test('a sensor that waits is let in on the page with the code of the console, and nobody else reads the code', async () => {
  const { page, sensors, report, consoleText, consoleFile } = await startAppliance({ enabled: true });
  const register = async () => {
    const response = await fetch(`${sensors}/sensor/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hostname: 'till-1', os_version: 'Debian 12', claim: 'ab'.repeat(32) }),
    });
    return { status: response.status, json: (await response.json()) as Record<string, string> };
  };
  const waits = await register();
  expect(waits).toMatchObject({ status: 202, json: { status: 'waiting' } });
  const fingerprint = waits.json['fingerprint'] ?? '';

  const line = await until(() =>
    /Sensors {6}0 live; code to let one in: (\d{3}) (\d{3})$/m.exec(consoleText()),
  );
  const code = `${line[1]}${line[2]}`;
  expect(statSync(consoleFile).mode & 0o007).toBe(0);

  const admit = (console_code: string) =>
    fetch(`${page}/site/admit`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: page, accept: 'text/html' },
      body: new URLSearchParams({ fingerprint, tier: 'self_heal', console_code }),
    });
  const wrong = await admit(code === '000000' ? '000001' : '000000');
  expect(wrong.status).toBe(403);
  expect(await wrong.text()).toContain('that is not the code on the console');
  expect((await register()).status).toBe(202);

  const right = await admit(`${line[1]} ${line[2]}`);
  expect([right.status, right.headers.get('location')]).toEqual([303, '/site#waiting']);
  expect(await (await fetch(`${page}/site`)).text()).toContain('let in at its next try');
  for (const path of ['/', '/site', '/api/v1/site', '/api/v1/status', '/metrics'])
    expect(await (await fetch(page + path)).text(), path).not.toMatch(new RegExp(`${line[1]} ?${line[2]}`));

  // Used once: there is another one on the screen, without waiting for the next round.
  await until(
    () => /code to let one in: \d{3} \d{3}/.test(consoleText()) && !consoleText().includes(line[0]),
    5_000,
  );
  const registered = await register();
  expect(registered).toMatchObject({ status: 200, json: { sensor_id: expect.stringMatching(/^s-/) } });
  const say = async (path: string, body: object) => {
    const { status } = await fetch(`${sensors}/api/sensor/${path}`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', authorization: `Bearer ${registered.json['api_key']}` },
      },
      body: JSON.stringify({ hostname: 'till-1', ...body }),
    });
    return status;
  };
  expect(await say('heartbeat', {})).toBe(200);
  const detected_at = Math.floor(Date.now() / 1000);
  const drift = { drift_type: 'firewall', severity: 'high', details: 'no rules are loaded', detected_at };
  expect(await say('drift', drift)).toBeLessThan(300);
  const id = registered.json['sensor_id'];
  await expect
    .poll(async () => (await report()).sensors, { timeout: 10_000, interval: 500 })
    .toMatchObject([
      { id, hostname: 'till-1', way: 'http', tier: 'self_heal', state: 'live', open_findings: 1 },
    ]);
  expect((await report()).counts).toMatchObject({ sensors: { live: 1, silent: 0, revoked: 0 }, waiting: 0 });
  expect(await (await fetch(`${page}/metrics`)).text()).toContain('bulkhead_sensors{state="live"} 1');
  // What was found is on the page, and what healing would have done.
  await expect
    .poll(async () => (await report()).healings, { timeout: 15_000, interval: 500 })
    .toMatchObject([{ hostname: 'till-1', check_type: 'firewall', dry_run: true }]);
  const { findings, events, healing } = await report();
  expect(findings).toMatchObject([{ subject: id, severity: 'high', actual: 'no rules are loaded' }]);
  expect(events).toMatchObject([{ subject: id, check_type: 'firewall', passed: false }]);
  expect(healing.mode).toBe('dry_run');
  expect(await (await fetch(`${page}/site`)).text()).toContain('no rules are loaded');
  expect((await report()).evidence.records).toBeGreaterThan(1);
  await until(() => consoleText().includes('1 live; code to let one in'), 15_000);
}, 40_000);

test('where sensors are not enabled the page says so, and the console has no line about them', async () => {
  const { page, report, consoleText, site } = await startAppliance({ enabled: false });
  await until(() => consoleText().includes('Health'));
  expect(await (await fetch(`${page}/site`)).text()).toContain('Sensors are not enabled');
  expect((await report()).counts).toMatchObject({ sensors: null, waiting: 0 });
  expect(consoleText()).not.toContain('Sensors');
  await site.stop();
  expect((await fetch(`${page}/`)).status).toBe(200);
});
