import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startLog } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import type { Status } from '../../status-page/status.ts';
import { type LinkLab, startLinkLab, until } from '../../test/coordinator/link-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { loadConfig } from '../config/load.ts';
import { builtInConfig, type Config } from '../config/schema.ts';
import { summariseStatus } from '../console/status-summary.ts';
import { type FactTree, makeFactTree } from '../facts/fact-tree.ts';
import { ensureDeviceIdentity } from '../identity/make.ts';
import { orderPathsBelow } from '../orders/lab/paths-below.ts';
import { type Agent, startAgent } from './agent.ts';
import { SHUTDOWN_MS } from './limits.ts';
import { createServiceManager } from './service-manager.ts';

let tree: FactTree;
let agent: Agent | undefined;
beforeEach(() => {
  tree = makeFactTree();
  for (const folder of ['bulkhead', 'bulkhead-agent'])
    mkdirSync(`${tree.root}/run/${folder}`, { recursive: true });
  tree.write('proc/sys/kernel/hostname', 'box-7\n');
  tree.write('proc/uptime', '99.00 1.00\n');
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  tree.remove();
});

/** The whole agent as the service runs it, in a tree of files. */
async function start(
  coordinator: Partial<Config['coordinator']>,
  storeFolder: string | null = null,
): Promise<Agent> {
  agent = await startAgent({
    ...{ port: 0, listen: '127.0.0.1', siteId: null, storeFolder, run, now: () => new Date() },
    coordinator: { ...builtInConfig().coordinator, ...coordinator },
    loadConfig: () => loadConfig({ imageFile: '', deviceFile: '', environment: {} }),
    ...{ paths: tree.context.paths, orderPaths: orderPathsBelow(tree.root), restart: () => undefined },
    watchedFolder: `${tree.root}/run/bulkhead`,
    consoleFile: `${tree.root}/run/bulkhead-agent/console.txt`,
    log: startLog({}, 'agent'),
    serviceManager: createServiceManager({}, run, () => {}),
  });
  return agent;
}

function giveIdentity(): void {
  const { deviceKeyFile } = tree.context.paths;
  mkdirSync(dirname(deviceKeyFile), { recursive: true });
  ensureDeviceIdentity(deviceKeyFile, { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
}

async function look({ port }: Agent): Promise<Status> {
  return (await (await fetch(`http://127.0.0.1:${port}/api/v1/status`)).json()) as Status;
}

const settingsOf = ({ line, certificate }: LinkLab) => ({ url: line.url.href, ca_certificate: certificate });

describe('an agent with a coordinator', () => {
  test('shows the code to approve it by on page, console and command line', async () => {
    const lab = await startLinkLab();
    giveIdentity();
    const started = await start(settingsOf(lab));
    await until(async () => (await look(started)).coordinator.link?.state === 'pending');
    const status = await look(started);
    const { code } = status.coordinator.link ?? {};
    expect(status.coordinator.message).toBe(`waits for approval with code ${code}`);
    const page = await (await fetch(`http://127.0.0.1:${started.port}/`)).text();
    for (const shown of [
      page,
      readFileSync(`${tree.root}/run/bulkhead-agent/console.txt`, 'utf8'),
      summariseStatus(status),
    ])
      expect(shown).toContain(String(code));
    expect(summariseStatus(status)).toMatch(/^Waiting +1 messages, oldest .*, in memory only/m);
    expect(status.coordinator.link?.waiting.memoryOnly).toContain('no place');
  });

  test('that brings a code is let in, says what it is, and keeps in its own folder what it needs', async () => {
    const lab = await startLinkLab();
    giveIdentity();
    const folder = makeFolder('store');
    chmodSync(folder, 0o700);
    const provision_code = await lab.code();
    const started = await start({ ...settingsOf(lab), provision_code }, folder);
    await until(async () => {
      const { link } = (await look(started)).coordinator;
      return link?.agent === 'current' && link.waiting.records === 0;
    });
    const { coordinator } = await look(started);
    expect(coordinator).toMatchObject({ reachable: true, failingStage: null, message: 'connected' });
    expect(coordinator.link).toMatchObject({ state: 'connected', provision: 'accepted' });
    expect(JSON.stringify(await look(started))).not.toContain(provision_code);
    expect(await lab.ask('GET', '/api/v1/devices?search=box-7')).toMatchObject({
      devices: [{ hostname: 'box-7', state: 'approved', presence: 'online' }],
    });
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['enrolment.json', 'outbox.db', 'sequence']));
    const begin_ms = performance.now();
    expect(await started.stop()).toBe(true);
    expect(performance.now() - begin_ms).toBeLessThan(SHUTDOWN_MS);
    agent = undefined;
  });

  test('and without a device key says what is missing, and serves its page', async () => {
    const lab = await startLinkLab();
    const started = await start(settingsOf(lab));
    await until(async () => (await look(started)).coordinator.link?.state === 'unable');
    const { coordinator } = await look(started);
    expect(coordinator.message).toMatch(/^this machine cannot enrol: IDENTITY_MISSING: /);
    // The probe of the way may have looked whether somebody is there; as an agent it said nothing.
    expect(lab.line.requests.filter(({ path }) => path.startsWith('/agent'))).toEqual([]);
  });
});

test('without an address nothing of it runs', async () => {
  giveIdentity();
  const started = await start({ url: null });
  expect((await look(started)).coordinator).toMatchObject({ configured: false, link: null });
});
