import { expect, test } from 'vitest';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';

const backends = openBackends();
const DAY_MS = 24 * 60 * 60 * 1000;

test.each(BACKENDS)(
  'what is older than it is kept goes, what is not stays, and the audit log is whole, on %s',
  async (backend) => {
    const { data, url } = await backends.place(backend);
    const keep = { reports: 10, orders: 10, alarms: 10, builds: 10 };
    const lab = await startLab({
      data,
      database_url: url,
      keep,
      forget_interval_ms: 50,
      sweep_interval_ms: 50,
    });
    const device = await approvedDevice(lab);
    const admin = await lab.admin();
    await lab.call('PUT', '/api/v1/me/password', { password: 'a good long password' }, admin);
    const report = async () => {
      const fingerprint = exampleFingerprint();
      const { status } = await device.send('/agent/state', {
        ...{ reason: 'startup', observed_at_ms: lab.now_ms(), uptime_s: 1, fingerprint },
      });
      expect(status).toBe(200);
    };
    const order = async (state?: string) => {
      const wanted = {
        device_id: device.id,
        type: 'force_checkin',
        parameters: {},
        expires_ms: lab.now_ms() + 90 * DAY_MS,
      };
      const { body } = await lab.call('POST', '/api/v1/orders', wanted, admin);
      if (state === undefined) return;
      await device.heartbeat();
      await device.send(`/agent/orders/${body['id']}/result`, { attempt: 1, state, observed_at_ms: 1 });
    };
    await report();
    await order('succeeded');
    await order();
    lab.wait(11 * DAY_MS);
    const { body } = await lab.call('POST', '/api/v1/session', {
      name: 'admin',
      password: 'a good long password',
    });
    const token = String(body['token']);
    const get = async (path: string) => (await lab.call('GET', path, undefined, token)).body;
    await report();
    const orders = async () =>
      ((await get('/api/v1/orders'))['orders'] as { state: string }[]).map(({ state }) => state);
    // The one that is open stays, however old it is.
    await expect.poll(orders, { timeout: 15_000 }).not.toContain('succeeded');
    expect(await orders()).toHaveLength(1);
    await expect
      .poll(async () => (await get(`/api/v1/devices/${device.id}/changes`))['changes'], { timeout: 15_000 })
      .toHaveLength(1);
    expect(await get('/api/v1/audit/verify')).toMatchObject({ intact: true });
  },
);
