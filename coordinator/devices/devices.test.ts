import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { generateSigner } from '../../base/signing/test-key.ts';
import { rotationStatement } from '../../protocol/messages/enrolment.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';
import { DEVICE_CODE_MS, JITTER, NEW_DEVICE_BURST, PENDING_FORGOTTEN_MS } from '../limits.ts';
import { nextHeartbeat_s, presenceOf } from './presence.ts';

const lab = startLab();
const admin = async () => (await lab).admin();

describe('an appliance that comes', () => {
  test('waits until an operator types the code that it shows', async () => {
    const { call } = await lab;
    const device = new Device(await lab);
    const first = await device.enrol({ serial: 'S1' });
    expect(first).toMatchObject({
      status: 202,
      body: { state: 'pending', provision: 'none', key_id: device.key_id },
    });
    expect(first.body['code']).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    expect(await device.heartbeat()).toMatchObject({
      status: 401,
      body: { error: { code: 'DEVICE_PENDING' } },
    });
    const again = await device.enrol({ serial: 'S1' });
    expect(again.body).toMatchObject({ code: first.body['code'], device_id: first.body['device_id'] });
    const typed = String(first.body['code']).toLowerCase();
    const approved = await call(
      'POST',
      '/api/v1/devices/approve',
      { code: typed, name: 'Reception' },
      await admin(),
    );
    expect(approved).toMatchObject({ status: 200, body: { id: device.id } });
    expect(await device.enrol()).toMatchObject({ status: 200, body: { state: 'approved', code: null } });
    expect((await device.heartbeat()).status).toBe(200);
    const shown = await call('GET', `/api/v1/devices/${device.id}`, undefined, await admin());
    expect(shown.body).toMatchObject({
      name: 'Reception',
      state: 'approved',
      presence: 'online',
      decided_by: 'user:admin',
    });
  });

  test('shows another code when the first is over, and the first lets nobody in', async () => {
    const own = await startLab();
    const device = new Device(own);
    const wanted = { name: 'ci', scopes: ['device'] };
    const { body } = await own.call('POST', '/api/v1/tokens', wanted, await own.admin());
    const token = String(body['token']);
    const first = (await device.enrol()).body['code'];
    own.wait(DEVICE_CODE_MS);
    const late = await own.call('POST', '/api/v1/devices/approve', { code: first }, token);
    expect(late).toMatchObject({ status: 404, body: { error: { code: 'DEVICE_UNKNOWN' } } });
    expect((await device.enrol()).body['code']).not.toBe(first);
  });

  test('cannot bring what moves the cursor of whoever reads it', async () => {
    const answer = await new Device(await lab).enrol({ serial: '\u001b[2JS1' });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'REQUEST_INVALID' } } });
  });

  test('with the key of another but not his signature is nobody', async () => {
    const victim = await approvedDevice(await lab);
    const thief = new Device(await lab);
    const body = { public_key: victim.public_key, facts: {} };
    const stolen = await thief.send('/agent/enrol', body, {});
    expect(stolen.status).toBe(400);
    const { public_key } = victim;
    const facts = {
      hostname: 'x',
      serial: null,
      product_uuid: null,
      mac: null,
      hardware: null,
      agent_version: '1',
      image_version: null,
    };
    const wrong = await thief.send('/agent/enrol', { public_key, facts });
    expect(wrong).toMatchObject({ status: 401, body: { error: { code: 'SIGNATURE_WRONG' } } });
  });

  test('with serial, MAC and name of another gets a record of its own, marked, and takes nothing over', async () => {
    const { call } = await lab;
    const facts = { hostname: 'box', serial: 'SAME', mac: '00:11:22:33:44:55', product_uuid: 'U' };
    const real = await approvedDevice(await lab, facts);
    const code = await call(
      ...([
        'POST',
        '/api/v1/enrolment-codes',
        { note: 'n', uses_max: 5, expires_ms: Date.now() + 1e9 },
        await admin(),
      ] as const),
    );
    const double = new Device(await lab);
    const answer = await double.enrol(facts, String(code.body['code']));
    expect(answer).toMatchObject({ status: 202, body: { state: 'pending', provision: 'needs_approval' } });
    expect(double.id).not.toBe(real.id);
    const shown = await call('GET', `/api/v1/devices/${double.id}`, undefined, await admin());
    expect(shown.body['conflicts']).toEqual([real.id]);
    expect((await real.heartbeat()).status).toBe(200);
    expect((await double.heartbeat()).status).toBe(401);
  });

  test('in the place of one that was installed anew inherits its name and tags, and ends it', async () => {
    const { call } = await lab;
    const old = await approvedDevice(await lab, { serial: 'R1' });
    await call('PATCH', `/api/v1/devices/${old.id}`, { name: 'Lab 3', tags: { site: 'b' } }, await admin());
    const fresh = new Device(await lab);
    await fresh.enrol({ serial: 'R1' });
    const approved = await call(
      'POST',
      `/api/v1/devices/${fresh.id}/approve`,
      { replaces: old.id },
      await admin(),
    );
    expect(approved.status).toBe(200);
    const shown = await call('GET', `/api/v1/devices/${fresh.id}`, undefined, await admin());
    expect(shown.body).toMatchObject({ name: 'Lab 3', tags: { site: 'b' } });
    expect(await old.heartbeat()).toMatchObject({
      status: 401,
      body: { error: { code: 'AGENT_KEY_REVOKED' } },
    });
    const before = await call('GET', `/api/v1/devices/${old.id}`, undefined, await admin());
    expect(before.body).toMatchObject({ state: 'replaced', replaced_by: fresh.id });
  });
});

test('of one address only so many new ones wait; those that are known go on', async () => {
  const own = await startLab();
  const first = new Device(own);
  await first.enrol();
  const answers = [];
  for (let count = 0; count < NEW_DEVICE_BURST; count += 1)
    answers.push((await new Device(own).enrol()).status);
  expect(answers.filter((status) => status === 202)).toHaveLength(NEW_DEVICE_BURST - 1);
  expect(answers.at(-1)).toBe(429);
  expect((await first.enrol()).status).toBe(202);
  const listed = await own.call('GET', '/api/v1/devices?limit=500', undefined, await own.admin());
  expect(listed.body['devices']).toHaveLength(NEW_DEVICE_BURST);
});

test('a box that asked once and never came back is forgotten, and may come anew', async () => {
  const own = await startLab({ forget_interval_ms: 20 });
  const device = new Device(own);
  await device.enrol();
  const stays = await approvedDevice(own);
  own.wait(DEVICE_CODE_MS + PENDING_FORGOTTEN_MS + 1);
  await Bun.sleep(100);
  const before = device.id;
  expect((await device.enrol()).status).toBe(202);
  expect(device.id).not.toBe(before);
  expect((await stays.heartbeat()).status).toBe(200);
});

describe('a pre-authorised code', () => {
  const makeCode = async (uses_max: number, lives_ms: number) => {
    const body = {
      note: 'stick',
      uses_max,
      expires_ms: (await lab).now_ms() + lives_ms,
      tags: { site: 'a' },
    };
    return (await (await lab).call('POST', '/api/v1/enrolment-codes', body, await admin())).body;
  };

  test('lets in as many as it says, at once or one by one, and not one more', async () => {
    const { code } = await makeCode(2, 60_000);
    const devices = Array.from({ length: 5 }, async () => new Device(await lab));
    const answers = await Promise.all(devices.map(async (device) => (await device).enrol({}, String(code))));
    const states = answers.map(({ body }) => body['provision']).sort();
    expect(states).toEqual(['accepted', 'accepted', 'refused', 'refused', 'refused']);
    const listed = await (await lab).call('GET', '/api/v1/enrolment-codes', undefined, await admin());
    expect(JSON.stringify(listed.body)).not.toContain(String(code));
    expect(listed.body['codes']).toContainEqual(expect.objectContaining({ uses_max: 2, used: 2 }));
  });

  test('gives its tags, and works without an operator', async () => {
    const { code } = await makeCode(1, 60_000);
    const device = new Device(await lab);
    expect(await device.enrol({}, String(code))).toMatchObject({
      status: 200,
      body: { state: 'approved', provision: 'accepted' },
    });
    expect((await device.heartbeat()).status).toBe(200);
    const shown = await (await lab).call('GET', `/api/v1/devices/${device.id}`, undefined, await admin());
    expect(shown.body).toMatchObject({
      tags: { site: 'a' },
      decided_by: expect.stringMatching(/^enrolment-code:/),
    });
  });

  test('lets in nobody who says he is a machine that has come in since he began to wait', async () => {
    const { code } = await makeCode(1, 60_000);
    const waiting = new Device(await lab);
    await waiting.enrol({ serial: 'LATE' });
    const real = await approvedDevice(await lab, { serial: 'LATE' });
    expect(await waiting.enrol({ serial: 'LATE' }, String(code))).toMatchObject({
      status: 202,
      body: { provision: 'needs_approval' },
    });
    const shown = await (await lab).call('GET', `/api/v1/devices/${waiting.id}`, undefined, await admin());
    expect(shown.body['conflicts']).toEqual([real.id]);
  });

  test('that is over, revoked or made up lets nobody in', async () => {
    const over = await makeCode(1, -1);
    const revoked = await makeCode(1, 60_000);
    await (await lab).call('DELETE', `/api/v1/enrolment-codes/${revoked['id']}`, undefined, await admin());
    for (const code of [over['code'], revoked['code'], '0000-0000-0000-0000', 'nonsense'])
      expect(await new Device(await lab).enrol({}, String(code))).toMatchObject({
        status: 202,
        body: { provision: 'refused' },
      });
  });
});

describe('an operator', () => {
  test('refuses and revokes for good', async () => {
    const { call } = await lab;
    const waiting = new Device(await lab);
    await waiting.enrol();
    expect(
      (await call('POST', `/api/v1/devices/${waiting.id}/end`, { reason: 'unknown' }, await admin())).status,
    ).toBe(204);
    expect(await waiting.enrol()).toMatchObject({ status: 403, body: { error: { code: 'DEVICE_REFUSED' } } });
    const device = await approvedDevice(await lab);
    expect((await device.heartbeat()).status).toBe(200);
    await call('POST', `/api/v1/devices/${device.id}/end`, { reason: 'stolen' }, await admin());
    expect((await device.heartbeat()).body.error?.code).toBe('AGENT_KEY_REVOKED');
    expect((await device.enrol()).body.error?.code).toBe('AGENT_KEY_REVOKED');
  });

  test('finds devices by part of what they are called, a sign for anything being no such sign', async () => {
    const { call } = await lab;
    const device = await approvedDevice(await lab, { hostname: 'Find_Me%', serial: 'ZZ-9' });
    const found = async (search: string) => {
      const answer = await call(
        'GET',
        `/api/v1/devices?search=${encodeURIComponent(search)}`,
        undefined,
        await admin(),
      );
      return (answer.body['devices'] as { id: string }[]).map(({ id }) => id);
    };
    expect(await found('find_me%')).toEqual([device.id]);
    expect(await found('zz-')).toEqual([device.id]);
    expect(await found('f%d')).toEqual([]);
  });

  test('turns the pages of the fleet', async () => {
    const { call } = await lab;
    const first = await call('GET', '/api/v1/devices?limit=2', undefined, await admin());
    const [, second] = first.body['devices'] as { id: string }[];
    const next = await call('GET', `/api/v1/devices?limit=1&after=${second?.id}`, undefined, await admin());
    const [third] = next.body['devices'] as { id: string }[];
    expect(third && second && third.id > second.id).toBe(true);
  });
});

describe('a key', () => {
  const rotate = (device: Device, next = generateSigner(), old_key_id = device.key_id) => {
    const proof = next.sign(rotationStatement(old_key_id, deviceIdOf(next.public_key)));
    const body = {
      public_key: Buffer.from(next.public_key).toString('base64'),
      proof: Buffer.from(proof).toString('base64'),
    };
    return { next, answer: device.send('/agent/rotate-key', body) };
  };

  test('is followed by another that both have signed, and counts no more', async () => {
    const device = await approvedDevice(await lab);
    const { id, key } = device;
    const { next, answer } = rotate(device);
    expect((await answer).status).toBe(200);
    expect((await device.heartbeat()).body.error?.code).toBe('AGENT_KEY_REVOKED');
    device.key = next;
    expect((await device.heartbeat()).status).toBe(200);
    expect((await device.enrol()).body).toMatchObject({ state: 'approved', device_id: id });
    const back = rotate(device, key);
    expect((await back.answer).body.error?.code).toBe('ROTATION_KEY_USED');
  });

  test('is not followed by one that has not signed that it follows this one', async () => {
    const device = await approvedDevice(await lab);
    const other = await approvedDevice(await lab);
    const { answer } = rotate(device, generateSigner(), other.key_id);
    expect(await answer).toMatchObject({ status: 400, body: { error: { code: 'ROTATION_PROOF_WRONG' } } });
    expect((await device.heartbeat()).status).toBe(200);
  });
});

describe('a device is', () => {
  test.each([
    ['never', null],
    ['online', 0],
    ['online', 150],
    ['stale', 151],
    ['stale', 599],
    ['offline', 600],
  ])('%s when it was last heard %s s ago', (presence, age_s) => {
    const heard_ms = age_s === null ? null : 1_000_000 - age_s * 1000;
    expect(presenceOf({ heard_ms, interval_s: 60 }, 1_000_000)).toBe(presence);
  });

  test('asked to come again within the jitter of its interval', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 3600 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (interval_s, chance) => {
          expect(Math.abs(nextHeartbeat_s(interval_s, chance) - interval_s)).toBeLessThanOrEqual(
            interval_s * JITTER + 0.05,
          );
        },
      ),
    );
  });
});
