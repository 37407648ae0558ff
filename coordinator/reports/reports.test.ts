import { describe, expect, test } from 'vitest';
import { generateSigner } from '../../base/signing/test-key.ts';
import { SIGNATURE_WINDOW_S } from '../../protocol/limits.ts';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import { fingerprintDigest } from '../../protocol/messages/fingerprint.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';
import { KEY_BURST } from '../limits.ts';
import { createRateLimit } from './rate-limit.ts';

const lab = startLab();

describe('a heartbeat', () => {
  test('is answered with the time, when to come again, and whether the state is wanted', async () => {
    const device = await approvedDevice(await lab);
    const { status, body } = await device.heartbeat();
    expect(status).toBe(200);
    expect(body).toMatchObject({ send_state: true, agent: 'current', orders: [] });
    expect(Math.abs(Number(body['server_time_ms']) - (await lab).now_ms())).toBeLessThan(5_000);
    expect(Math.abs(Number(body['next_heartbeat_s']) - 60)).toBeLessThanOrEqual(6);
  });

  test('is taken once, and never one from before', async () => {
    const device = await approvedDevice(await lab);
    expect((await device.heartbeat({}, { sequence: 10 })).status).toBe(200);
    const again = await device.heartbeat({}, { sequence: 10 });
    expect(again).toMatchObject({
      status: 409,
      body: { error: { code: 'AGENT_REPLAY' }, last_sequence: 10 },
    });
    expect((await device.heartbeat({}, { sequence: 9 })).status).toBe(409);
    expect((await device.heartbeat({}, { sequence: 11 })).status).toBe(200);
  });

  test('that arrives many times at once is taken once', async () => {
    const device = await approvedDevice(await lab);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => device.heartbeat({}, { sequence: 5 })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
  });

  test.each([
    ['no signature', { fields: { signature: null } }, 401, 'SIGNATURE_MISSING'],
    ['the signature of another key', { signWith: generateSigner() }, 401, 'SIGNATURE_WRONG'],
    ['another body', { otherBody: '{"agent_version":"9"}' }, 401, 'SIGNATURE_BODY'],
    ['a signature for another coordinator', { signedFor: 'http://other.example' }, 401, 'SIGNATURE_WRONG'],
    [
      'the name of another coordinator',
      { signedFor: 'http://other.example', fields: { host: 'other.example' } },
      401,
      'SIGNATURE_HOST',
    ],
    [
      'an old time',
      { created_s: Math.floor(Date.now() / 1000) - SIGNATURE_WINDOW_S - 60 },
      401,
      'SIGNATURE_TIME',
    ],
    [
      'a time to come',
      { created_s: Math.floor(Date.now() / 1000) + SIGNATURE_WINDOW_S + 60 },
      401,
      'SIGNATURE_TIME',
    ],
    ['a signature that is none', { fields: { 'signature-input': 'x' } }, 400, 'SIGNATURE_MALFORMED'],
  ])('with %s is refused, told the time, and counted', async (_, options, status, code) => {
    const { call } = await lab;
    const counted = async () => {
      const text = String((await call('GET', '/metrics')).body['text']);
      return Number(new RegExp(`reports_refused_total\\{code="${code}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
    };
    const device = await approvedDevice(await lab);
    const before = await counted();
    const answer = await device.heartbeat({}, options);
    expect(answer).toMatchObject({ status, body: { error: { code }, server_time_ms: expect.any(Number) } });
    expect(await counted()).toBe(before + 1);
    expect((await device.heartbeat()).status).toBe(200);
  });

  test('of a key that nobody knows is refused', async () => {
    expect(await new Device(await lab).heartbeat()).toMatchObject({
      status: 401,
      body: { error: { code: 'AGENT_KEY_UNKNOWN' } },
    });
  });

  test.each([
    ['no JSON', undefined],
    ['a field of another kind', { uptime_s: 'long' }],
    ['a negative time', { uptime_s: -1 }],
  ])('with %s is malformed, and does not use up its sequence', async (_, changed) => {
    const device = await approvedDevice(await lab);
    const answer =
      changed === undefined ? await device.send('/agent/heartbeat', 'text') : await device.heartbeat(changed);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'REQUEST_INVALID' } } });
    expect((await device.heartbeat({}, { sequence: device.sequence })).status).toBe(200);
  });

  test('of an agent that is too old is taken, and told so', async () => {
    const own = await startLab({
      settings: { heartbeat_interval_s: 60, agent_min_version: '2.0.0', trusted_proxies: new Set() },
    });
    const device = await approvedDevice(own);
    expect(await device.heartbeat({ agent_version: '1.9.9' })).toMatchObject({
      status: 202,
      body: { agent: 'outdated' },
    });
    expect(await device.heartbeat({ agent_version: '2.0.0' })).toMatchObject({
      status: 200,
      body: { agent: 'current' },
    });
    expect((await device.heartbeat({ agent_version: 'who-knows' })).status).toBe(202);
  });

  test('more often than anybody needs to is told when to come again', async () => {
    const device = await approvedDevice(await lab);
    const answers = [];
    for (let count = 0; count <= KEY_BURST + 1; count += 1) answers.push(await device.heartbeat());
    const last = answers.at(-1);
    expect(last).toMatchObject({ status: 429, body: { error: { code: 'TOO_MANY_REQUESTS' } } });
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
    const other = await approvedDevice(await lab);
    expect((await other.heartbeat()).status).toBe(200);
  });

  test('that somebody recorded and sends again and again does not slow down the one it is of', async () => {
    const device = await approvedDevice(await lab);
    const { sequence } = device;
    for (let count = 0; count <= KEY_BURST + 5; count += 1)
      await device.heartbeat({}, { sequence: sequence + 1 });
    expect((await device.heartbeat({}, { sequence: sequence + 2 })).status).toBe(200);
  });

  test('tells of each step of an update once, in the history of the device', async () => {
    const device = await approvedDevice(await lab);
    const [downloading, ready] = ['downloading', 'ready'].map((state) => ({ version: '1.2.0', state }));
    for (const update of [undefined, downloading, downloading, ready, undefined])
      expect((await device.heartbeat(update ? { update } : {})).status).toBe(200);
    const path = `/api/v1/devices/${device.id}/changes`;
    const { body } = await (await lab).call('GET', path, undefined, await (await lab).admin());
    expect(body['changes']).toMatchObject([
      { reason: 'deployment', changes: [{ field: 'update', before: '1.2.0 ready', after: null }] },
      { changes: [{ before: '1.2.0 downloading', after: '1.2.0 ready' }] },
      { changes: [{ before: null, after: '1.2.0 downloading' }] },
    ]);
  });

  test('makes a device online; silence makes it stale, then offline', async () => {
    const own = await startLab();
    const device = await approvedDevice(own);
    const presence = async () =>
      (await own.call('GET', `/api/v1/devices/${device.id}`, undefined, await own.admin())).body['presence'];
    expect(await presence()).toBe('never');
    await device.heartbeat();
    expect(await presence()).toBe('online');
    own.wait(200_000);
    expect(await presence()).toBe('stale');
    own.wait(600_000);
    expect(await presence()).toBe('offline');
    const metrics = String((await own.call('GET', '/metrics')).body['text']);
    expect(metrics).toContain('devices_present{presence="offline"} 1');
    expect(metrics).toContain('devices_present{presence="online"} 0');
    expect(metrics).toContain('devices{state="approved"} 1');
  });
});

describe('a state report', () => {
  const report = (changed = {}, reason = 'startup') => ({
    ...{ reason, observed_at_ms: 1_790_000_000_000, uptime_s: 5, fingerprint: exampleFingerprint(changed) },
  });

  test('is kept, and what is different from before is a change with its reason', async () => {
    const { call, admin } = await lab;
    const device = await approvedDevice(await lab);
    expect((await device.send('/agent/state', report())).status).toBe(200);
    expect(
      (await device.send('/agent/state', report({ active_slot: 'B', image_version: '0.2.0' }, 'deployment')))
        .status,
    ).toBe(200);
    expect(
      (await device.send('/agent/state', report({ active_slot: 'B', image_version: '0.2.0' }, 'state_delta')))
        .status,
    ).toBe(200);
    const { body } = await call('GET', `/api/v1/devices/${device.id}/changes`, undefined, await admin());
    expect(body['changes']).toMatchObject([
      {
        reason: 'deployment',
        changes: [
          { field: 'image_version', after: '0.2.0' },
          { field: 'active_slot', before: 'A', after: 'B' },
        ],
      },
      { reason: 'startup', changes: [] },
    ]);
    const shown = await call('GET', `/api/v1/devices/${device.id}`, undefined, await admin());
    expect(shown.body).toMatchObject({ image_version: '0.2.0', fingerprint: { active_slot: 'B' } });
  });

  test('that is sent again because its answer was lost is one start, and a later start is another', async () => {
    const { call, admin } = await lab;
    const device = await approvedDevice(await lab);
    for (const observed_at_ms of [1_790_000_000_000, 1_790_000_000_000, 1_790_000_000_001])
      expect((await device.send('/agent/state', { ...report(), observed_at_ms })).status).toBe(200);
    const { body } = await call('GET', `/api/v1/devices/${device.id}/changes`, undefined, await admin());
    expect(body['changes']).toHaveLength(2);
  });

  test('is asked for only while another one is known', async () => {
    const device = await approvedDevice(await lab);
    await device.send('/agent/state', report());
    const state_digest = fingerprintDigest(exampleFingerprint());
    expect((await device.heartbeat({ state_digest })).body['send_state']).toBe(false);
    expect((await device.heartbeat({ state_digest: 'f'.repeat(64) })).body['send_state']).toBe(true);
  });

  test('is refused when it was taken before, and when a field is missing', async () => {
    const device = await approvedDevice(await lab);
    expect((await device.send('/agent/state', report(), { sequence: 3 })).status).toBe(200);
    expect((await device.send('/agent/state', report(), { sequence: 3 })).status).toBe(409);
    const { hostname: _, ...fingerprint } = exampleFingerprint();
    expect((await device.send('/agent/state', { ...report(), fingerprint })).status).toBe(400);
  });

  test('keeps nothing that this version does not know', async () => {
    const { call, admin } = await lab;
    const device = await approvedDevice(await lab);
    await device.send('/agent/state', report({ added_by_a_later_agent: 'x' }));
    const shown = await call('GET', `/api/v1/devices/${device.id}`, undefined, await admin());
    expect(shown.body['fingerprint']).not.toHaveProperty('added_by_a_later_agent');
  });
});

test('a rate gives so many at once and so many per second, each subject its own', () => {
  let now_ms = 0;
  const rate = createRateLimit({ burst: 2, refill_per_s: 0.5 }, () => now_ms);
  expect([rate.take('a'), rate.take('a'), rate.take('a'), rate.take('b')]).toEqual([0, 0, 2, 0]);
  now_ms = 1_000;
  expect(rate.wait('a')).toBe(1);
  now_ms = 2_000;
  expect([rate.wait('a'), rate.take('a'), rate.take('a')]).toEqual([0, 0, 2]);
  now_ms = 0;
  expect(rate.take('a')).toBe(2);
});
