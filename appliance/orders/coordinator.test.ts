import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { getLogger } from '@logtape/logtape';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LinkLab, startLinkLab } from '../../test/coordinator/link-lab.ts';
import { publish, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { createFindings } from '../findings/findings.ts';
import { NOON_S } from '../findings/lab/detections.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { HEALING_PART } from '../healing/engine/tables.ts';
import { createHealing } from '../healing/healing.ts';
import { FileMachine, KeptEvidence } from '../healing/lab/healing-lab.ts';
import { deviceKeyFromSeed } from '../identity/key-file.ts';
import { createLink, type Link } from '../link/link.ts';
import { createCommands } from '../sensors/commands/create-commands.ts';
import { serveControl } from '../site/control/server.ts';
import { openSiteStore } from '../site/store/store.ts';
import { OrderedAppliance } from './lab/ordered-appliance.ts';

/** A real coordinator, the real link, the real orders, the real updater: what an operator asks for, and what comes back. */

/** As often as a key may. */
const settings = { heartbeat_interval_s: 2, agent_min_version: null, trusted_proxies: new Set<string>() };

let lab: LinkLab;
let box: OrderedAppliance;
let link: Link | undefined;
let folder: string;
const key = deviceKeyFromSeed(randomBytes(32));
beforeEach(async () => {
  lab = await startLinkLab({ settings, release_keys: TEST_KEYS_FILE, plan_interval_ms: 50 });
  folder = makeFolder('agent');
  box = new OrderedAppliance(folder);
  // Files of releases go past the line that only carries texts.
  box.coordinatorUrl = new URL(lab.coordinator.url);
  await box.lab.install();
  await box.publish();
});
afterEach(async () => {
  await link?.stop();
  link = undefined;
  box.lab.remove();
});

/** The agent of one boot. */
async function startAgent(): Promise<void> {
  link = createLink({
    ...{ url: lab.line.url, ca_pem: lab.certificate, provision_code: await lab.code(), key, folder },
    fingerprint: box.fingerprint,
    makeOrders: (outbox) => {
      box.start(outbox);
      return box.orders;
    },
    ...{ hardware: 'qemu', uptime_s: () => 1, onChange: () => undefined, random: () => 0.01 },
    update: () => box.orders.update(),
    log: getLogger(['lab', 'orders']),
  });
  link.start();
}

async function stopAgent(): Promise<void> {
  await link?.stop();
  link = undefined;
}

async function device(): Promise<{
  id: string;
  image_version: string;
  update: { version: string; state: string } | null;
}> {
  const { devices } = await lab.ask('GET', '/api/v1/devices');
  const [first] = devices as Awaited<ReturnType<typeof device>>[];
  if (!first) throw new Error('nobody is there');
  return first;
}

const soon = { timeout: 15_000, interval: 50 };

test('an order of the API is accepted, done, and its result and log are there', async () => {
  await startAgent();
  await expect.poll(() => link?.status().state, soon).toBe('connected');
  const { id: device_id } = await device();
  const order = async (type: string, parameters: object) =>
    String((await lab.ask('POST', '/api/v1/orders', { device_id, type, parameters }))['id']);
  const read = async (id: string) =>
    (await lab.ask('GET', `/api/v1/orders/${id}`)) as Record<string, unknown>;
  const ended = (id: string) => expect.poll(async () => (await read(id))['ended_ms'], soon).not.toBeNull();

  box.lab.machine.write('proc/meminfo', 'MemTotal:        8038400 kB\n');
  const memory = await order('diagnostic', { command: 'memory' });
  const checkIn = await order('force_checkin', {});
  const unknown = await order('rotate_key', {});
  const reboot = await order('reboot', { reason: 'a test', reboot: 'at_once' });
  for (const id of [memory, checkIn, unknown]) await ended(id);
  expect(await read(memory)).toMatchObject({ state: 'succeeded', result_facts: { command: 'memory' } });
  expect(JSON.stringify((await read(memory))['log'])).toContain('8038400 kB');
  expect(await read(checkIn)).toMatchObject({ state: 'succeeded' });
  expect(await read(unknown)).toMatchObject({ state: 'refused', result_code: 'ORDER_TYPE_NOT_DONE' });
  expect(await read(reboot)).toMatchObject({ state: 'accepted' });

  expect(await box.serve()).toBeNull();
  await stopAgent();
  await box.boot();
  await startAgent();
  await ended(reboot);
  expect(await read(reboot)).toMatchObject({ state: 'succeeded', result_facts: { boot_id: box.lab.bootId } });
}, 60_000);

test('a rollout brings its release to the appliance, and knows that it runs there for good', async () => {
  await startAgent();
  await expect
    .poll(async () => link?.status().waiting.records === 0 && (await device()).image_version, soon)
    .toBe('1.0.0');
  await publish(lab.coordinator, await box.lab.release('1.1.0'));
  const wanted = { version: '1.1.0', cohort: 'all', stages: [{ percent: 100 }], soak_ms: 0 };
  const { id } = await lab.ask('POST', '/api/v1/rollouts', wanted);
  await lab.ask('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
  const phase = async () => (await lab.ask('GET', `/api/v1/rollouts/${id}`))['phase'];

  await expect.poll(() => box.orders.update()?.state, soon).toBe('notified');
  expect(await box.serve()).toBeNull();
  expect(box.lab.rebooted).toBe(true);
  await expect
    .poll(async () => (await device()).update, soon)
    .toEqual({ version: '1.1.0', state: 'rebooting' });
  await stopAgent();
  await box.boot();
  await startAgent();
  await expect.poll(phase, soon).toBe('completed');
  expect(await device()).toMatchObject({
    image_version: '1.1.0',
    update: { version: '1.1.0', state: 'succeeded' },
  });
}, 60_000);

/** The service of the site with healing in it, where the agent looks for it, and one machine that is a file. */
async function startHealing() {
  const now = () => new Date(NOON_S * 1000);
  const warn = () => undefined;
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: [FINDINGS_PART, HEALING_PART], warn });
  const findings = createFindings({ store, now_ms: () => NOON_S * 1000, warn });
  const target = new FileMachine(folder, () => NOON_S);
  const facts = { platform: 'linux', tier: 'self_heal', reachable: true } as const;
  const healing = createHealing({
    ...{ store, findings, evidence: new KeptEvidence(), configured: 'on', now, warn, note: warn },
    ...{
      lookAtAppliance: () => Promise.reject(new Error('nobody looks')),
      machine: () => ({ facts, target }),
    },
    sensors: {
      ...{ find: () => null, list: () => [] },
      commands: createCommands({ store, registry: { find: () => null }, now_ms: () => NOON_S * 1000, warn }),
    },
  });
  const control = serveControl({ socket: box.siteSocket, parts: [healing.control], onFault: warn });
  return {
    target,
    async stop() {
      await control.stop();
      await healing.stop();
      findings.stop();
      store.stop();
    },
  };
}

test('orders about healing are done by the service of the site, and are over when it is so', async () => {
  const site = await startHealing();
  try {
    await startAgent();
    await expect.poll(() => link?.status().state, soon).toBe('connected');
    const { id: device_id } = await device();
    const outcome = async (type: string, parameters: object) => {
      const { id } = await lab.ask('POST', '/api/v1/orders', {
        device_id,
        type,
        parameters,
        attempts_max: 1,
      });
      const read = () => lab.ask('GET', `/api/v1/orders/${String(id)}`);
      await expect.poll(async () => (await read())['ended_ms'], soon).not.toBeNull();
      const { state, result_code, result_facts } = await read();
      return result_code === null ? { state, ...(result_facts as object) } : { state, result_code };
    };
    expect(await outcome('sync_rules', {})).toEqual({ state: 'failed', result_code: 'ORDER_NO_RULES' });
    await lab.ask('POST', '/api/v1/rules', { file: 'rules: []' });
    expect(await outcome('sync_rules', { version: 1 })).toEqual({
      state: 'succeeded',
      version: 1,
      changed: true,
    });
    expect(await outcome('sync_rules', { version: 2 })).toMatchObject({ result_code: 'ORDER_RULES_OLDER' });

    const heal = { host: 'box', check_type: 'firewall', action: 'enable_firewall' };
    expect(await outcome('disable_healing', { reason: 'a test' })).toEqual({
      state: 'succeeded',
      mode: 'off',
    });
    expect(await outcome('healing', heal)).toMatchObject({ result_code: 'HEALING_OFF' });
    expect(await outcome('enable_healing', { reason: 'a test' })).toEqual({ state: 'succeeded', mode: 'on' });
    expect(await outcome('healing', heal)).toMatchObject({ state: 'healed', seen_again: 'on' });
    expect(await outcome('healing', heal)).toEqual({ state: 'succeeded', already: true });
    await site.target.off();
    site.target.program = ['true'];
    expect(await outcome('healing', heal)).toEqual({ state: 'failed', result_code: 'ORDER_NOT_HEALED' });
    expect(await outcome('healing', { ...heal, action: 'harden_ssh' })).toMatchObject({
      result_code: 'HEALING_TIER',
    });
  } finally {
    await site.stop();
  }
}, 120_000);
