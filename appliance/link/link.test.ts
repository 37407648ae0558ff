import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { type LinkLab, startLinkLab, until } from '../../test/coordinator/link-lab.ts';
import { makeCertificate } from '../../test/unit/make-certificate.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { REFUSED_RETRY_MS } from './limits.ts';

interface Change {
  reason: string;
  changes: { field: string; after: unknown }[];
}

/** Names that the coordinator has heard, oldest first. */
async function hostnames(lab: LinkLab, id: string): Promise<unknown[]> {
  const { changes } = await lab.ask('GET', `/api/v1/devices/${id}/changes`);
  return (changes as Change[])
    .reverse()
    .flatMap(({ changes: fields }) => fields.filter(({ field }) => field === 'hostname'))
    .map(({ after }) => after);
}

const paths = (lab: LinkLab) => lab.line.requests.map(({ path }) => path);

describe('enrolling', () => {
  test('shows a code, and is connected once somebody has approved the appliance by it', async () => {
    const lab = await startLinkLab();
    const link = lab.open();
    await until(() => link.status().state === 'pending');
    const { code, codeExpiresAt } = link.status();
    expect(code).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    expect(Date.parse(codeExpiresAt ?? '')).toBeGreaterThan(Date.now());
    const id = await lab.approve(link);
    link.kick();
    await until(() => link.status().agent === 'current' && link.status().waiting.records === 0);
    expect(link.status()).toMatchObject({ state: 'connected', code: null, codeExpiresAt: null });
    expect(await lab.ask('GET', `/api/v1/devices/${id}`)).toMatchObject({
      presence: 'online',
      state: 'approved',
    });
  });

  test('needs nobody with a code that was prepared', async () => {
    const lab = await startLinkLab();
    const code = await lab.code();
    const link = await lab.connected({ provision_code: code.toLowerCase().replaceAll('-', ' ') });
    expect(link.status().provision).toBe('accepted');
  });

  test('with a code that is used up says so, waits for approval, and does not try that code again', async () => {
    const lab = await startLinkLab();
    const code = await lab.code();
    await lab.connected({ provision_code: code });
    const link = lab.open({ provision_code: code });
    await until(() => link.status().state === 'pending');
    expect(link.status().provision).toBe('refused');
    link.kick();
    const asked = () => lab.line.requests.filter(({ body }) => body.includes(link.machine.serial));
    await until(() => asked().length >= 2);
    expect(asked().map(({ body }) => body.includes('provision_code'))).toEqual([true, false]);
  });

  test('is done once: what came with it is kept, and requests go on above the last', async () => {
    const lab = await startLinkLab();
    const folder = makeFolder('link');
    const first = await lab.connected({ folder });
    await first.stop();
    const before = lab.line.requests.length;
    const last = lab.line.requests.at(-1)?.sequence ?? 0;
    const again = lab.open({ folder, key: first.key });
    await until(() => again.status().state === 'connected' && again.status().waiting.records === 0);
    const since = lab.line.requests.slice(before);
    expect(since.map(({ path }) => path)).not.toContain('/agent/enrol');
    for (const { sequence } of since) expect(sequence).toBeGreaterThan(last);
    expect(readFileSync(join(folder, 'enrolment.json'), 'utf8')).toContain(
      again.key === first.key ? 'order_keys' : '',
    );
  });

  test('without a place to keep anything is done again, and the lost count is put right by the refusal', async () => {
    const lab = await startLinkLab();
    const first = await lab.connected();
    expect(first.status().waiting.memoryOnly).toContain('no place');
    await first.stop();
    const again = lab.open({ key: first.key });
    await until(() => again.status().state === 'connected' && again.status().waiting.records === 0);
    expect(again.status().provision).toBe('none');
    expect(await hostnames(lab, first.id)).toEqual([]);
  });
});

describe('an operator', () => {
  test('who revokes the appliance ends it: it says so, forgets what it was given, and asks but seldom', async () => {
    const lab = await startLinkLab();
    const folder = makeFolder('link');
    const link = await lab.connected({ folder });
    await lab.ask('POST', `/api/v1/devices/${link.id}/end`, { reason: 'stolen' });
    link.kick();
    await until(() => link.status().state === 'refused');
    expect(link.problem()).toMatch(/^AGENT_KEY_REVOKED: /);
    expect(existsSync(join(folder, 'enrolment.json'))).toBe(false);
    const before = lab.line.requests.length;
    await Bun.sleep(500);
    expect(REFUSED_RETRY_MS).toBeGreaterThan(60_000);
    expect(lab.line.requests.length).toBe(before);
  });

  test('who refuses it is heard, too', async () => {
    const lab = await startLinkLab();
    const link = lab.open();
    await until(() => link.status().state === 'pending');
    const { devices } = await lab.ask('GET', '/api/v1/devices');
    const [device] = devices as { id: string }[];
    await lab.ask('POST', `/api/v1/devices/${device?.id}/end`, { reason: 'not ours' });
    link.kick();
    await until(() => link.status().state === 'refused');
    expect(link.status().code).toBeNull();
    expect(link.problem()).toMatch(/^DEVICE_REFUSED: /);
  });
});

test('another coordinator in the place of the first does not know the appliance, which enrols there', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected({ folder: makeFolder('link') });
  const other = await startLab({ urls: [lab.line.url] });
  lab.line.target = other.url;
  link.kick();
  await until(() => link.status().state === 'pending');
  expect(link.status().code).not.toBeNull();
});

describe('reports', () => {
  test('of changes arrive within seconds, each once and in order, also those from while the coordinator was gone', async () => {
    const lab = await startLinkLab();
    const link = await lab.connected({ folder: makeFolder('link') });
    link.machine.change({ hostname: 'box-1' });
    await until(async () => (await hostnames(lab, link.id)).length === 1, 3_000);
    const target = lab.line.target;
    lab.line.target = null;
    for (const hostname of ['box-2', 'box-3', 'box-4']) link.machine.change({ hostname });
    await until(() => link.status().state === 'interrupted');
    expect(link.status().waiting).toMatchObject({ records: 3, memoryOnly: null });
    lab.line.target = target;
    link.kick();
    await until(() => link.status().waiting.records === 0);
    expect(link.status().state).toBe('connected');
    expect(await hostnames(lab, link.id)).toEqual(['box-1', 'box-2', 'box-3', 'box-4']);
  });

  test('outlive the process that made them', async () => {
    const lab = await startLinkLab();
    const folder = makeFolder('link');
    const first = await lab.connected({ folder });
    lab.line.target = null;
    first.machine.change({ hostname: 'box-1' }, 'config_change');
    await first.stop();
    lab.line.target = lab.coordinator.url;
    const again = lab.open({ folder, key: first.key, fingerprint: first.machine });
    await until(() => again.status().state === 'connected' && again.status().waiting.records === 0);
    expect(await hostnames(lab, first.id)).toEqual(['box-1']);
    const { changes } = await lab.ask('GET', `/api/v1/devices/${first.id}/changes`);
    expect((changes as Change[]).map(({ reason }) => reason)).toEqual([
      'startup',
      'config_change',
      'startup',
    ]);
  });

  test('are sent when the coordinator wants one, which has lost what it knew', async () => {
    const lab = await startLinkLab();
    const link = await lab.connected();
    const body = { server_time_ms: Date.now(), next_heartbeat_s: 60, agent: 'current', orders: [] };
    lab.line.fate = ({ path }) =>
      path === '/agent/heartbeat'
        ? { status: 200, body: JSON.stringify({ ...body, send_state: true }) }
        : 'pass';
    const before = lab.line.requests.length;
    link.kick();
    await until(() => paths(lab).slice(before).includes('/agent/state'));
    await until(() => link.status().waiting.records === 0);
    expect(paths(lab).slice(before)).toEqual(['/agent/heartbeat', '/agent/state']);
  });

  test('that the coordinator will never take are given up and counted, and those behind them go on', async () => {
    const lab = await startLinkLab();
    const link = await lab.connected();
    const result = { attempt: 1, state: 'succeeded', observed_at_ms: 1 } as const;
    link.outbox.put({ kind: 'result', order_id: crypto.randomUUID(), result });
    link.machine.change({ hostname: 'box-1' });
    await until(() => link.status().waiting.records === 0);
    expect(link.status().waiting.dropped).toEqual({ log: 0, state: 0, refused: 1 });
    expect(await hostnames(lab, link.id)).toEqual(['box-1']);
  });
});

test('orders come with the heartbeat, and what became of them goes back', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const order = { device_id: link.id, type: 'force_checkin', parameters: {} };
  const { id } = await lab.ask('POST', '/api/v1/orders', order);
  link.kick();
  await until(async () => (await lab.ask('GET', `/api/v1/orders/${id}`))['state'] === 'succeeded');
  expect(link.orders.taken.map((taken) => taken.id)).toEqual([id]);
  const { events, log } = await lab.ask('GET', `/api/v1/orders/${id}`);
  expect((events as { state: string }[]).map(({ state }) => state)).toEqual([
    ...['handed_out', 'accepted', 'succeeded'],
  ]);
  expect(log).toEqual([{ attempt: 1, text: 'done' }]);
});

test('an agent that is too old for the coordinator says so, and is heard all the same', async () => {
  const lab = await startLinkLab({
    settings: { heartbeat_interval_s: 60, agent_min_version: '99.0.0', trusted_proxies: new Set() },
  });
  const link = await lab.connected();
  await until(() => link.status().agent === 'outdated');
  expect(link.status().state).toBe('connected');
});

test('over TLS of the coordinator itself, with an authority of its own', async () => {
  const { certificate, key } = await makeCertificate('DNS:localhost,IP:127.0.0.1');
  const direct = await startLab({ tls: { certificate, key } });
  const lab = await startLinkLab();
  const link = lab.open({ url: new URL(direct.url), ca_pem: certificate });
  await until(() => link.status().state === 'pending');
});
