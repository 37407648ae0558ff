import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { type SensorLab, sensorLab } from '../lab/sensor-lab.ts';
import { AddressGuard, addressKey } from './address-guard.ts';
import { createAdmission } from './admission.ts';
import { ConsoleCode } from './console-code.ts';
import { ADDRESSES_MAX } from './limits.ts';
import { codeHash, makeCode } from './secrets.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
let lab: SensorLab;
beforeEach(() => {
  lab = sensorLab(makeFolder('admission'));
});
afterEach(() => lab.close());

const refused = (code: string) => ({ code });
const newClaim = () => new Uint8Array(randomBytes(32));
const admit = (more: Parameters<SensorLab['plea']>[0]) => lab.parts.admission.admit(lab.plea(more));
async function fingerprintOf(claim: Uint8Array): Promise<string> {
  const answer = await admit({ claim });
  if (answer.outcome !== 'waiting') throw new Error('it was let in');
  return answer.fingerprint;
}

describe('a one-time code', () => {
  test('has 80 bits in letters that can be typed, however they are typed', () => {
    const code = makeCode();
    expect(code).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);
    expect(new Set(Array.from({ length: 100 }, makeCode)).size).toBe(100);
    expect(codeHash(code.toLowerCase().replaceAll('-', ' '))).toBe(codeHash(code));
  });

  test('lets in one sensor with the tier it was made for, and this is on record before', async () => {
    const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
    const answer = await admit({ code });
    expect(answer).toMatchObject({
      outcome: 'admitted',
      sensor: {
        id: expect.stringMatching(/^s-[0-9a-f]{16}$/),
        tier: 'self_heal',
        admitted_by: 'code',
        hostname: 'desk-7',
      },
    });
    expect(lab.record).toMatchObject([{ kind: 'sensor.admitted', body: { hostname: 'desk-7', by: 'code' } }]);
    await expect(admit({ code })).rejects.toMatchObject(refused('SENSOR_CODE_UNKNOWN'));
    await lab.restart();
    await expect(admit({ code })).rejects.toMatchObject(refused('SENSOR_CODE_UNKNOWN'));
    expect(lab.parts.registry.list()).toHaveLength(1);
  });

  test('lets in one of two who bring it at once', async () => {
    const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
    const outcomes = await Promise.allSettled([admit({ code }), admit({ code, address: '192.0.2.8' })]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(lab.parts.registry.list()).toHaveLength(1);
    expect(lab.record.map(({ kind }) => kind).sort()).toEqual([
      ...['sensor.admitted', 'sensor.admitted', 'sensor.refused'],
    ]);
  });

  test('is over after a day', async () => {
    const { code, expires_at } = await lab.parts.admission.makeCode('root', 'self_heal');
    expect(Date.parse(expires_at)).toBe(lab.clock.now_ms + 24 * HOUR_MS);
    lab.pass(24 * HOUR_MS);
    await expect(admit({ code })).rejects.toMatchObject(refused('SENSOR_CODE_UNKNOWN'));
  });

  test('with a claim gives the same sensor again while the answer may have been lost, and not when it has been heard', async () => {
    const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
    const claim = newClaim();
    const first = await admit({ code, claim });
    expect(await admit({ code, claim })).toEqual(first);
    if (first.outcome === 'admitted') lab.parts.registry.heard(first.sensor.id, null);
    await expect(admit({ code, claim })).rejects.toMatchObject(refused('SENSOR_CODE_UNKNOWN'));
  });

  test('given again to another address is on record and told, once for each: it was overheard, or has moved', async () => {
    const told: string[][] = [];
    const admission = createAdmission({
      ...{ store: lab.parts.store, registry: lab.parts.registry, evidence: lab.evidence },
      ...{ now_ms: lab.now_ms, warn: lab.warn },
      onElsewhere: ({ hostname }, from, to) => told.push([hostname, from, to]),
    });
    const { code } = await admission.makeCode('root', 'self_heal');
    const claim = newClaim();
    const first = await admission.admit(lab.plea({ code, claim }));
    expect(await admission.admit(lab.plea({ code, claim }))).toEqual(first);
    expect([told, lab.record.length]).toEqual([[], 1]);
    lab.state.evidence_full = true;
    const other = lab.plea({ code, claim, address: '192.0.2.66' });
    await expect(admission.admit(other)).rejects.toThrow('the evidence is full');
    lab.state.evidence_full = false;
    expect(await admission.admit(other)).toEqual(first);
    expect(await admission.admit(other)).toEqual(first);
    expect(told).toEqual([['desk-7', '192.0.2.7', '192.0.2.66']]);
    expect(lab.record.slice(1)).toMatchObject([
      { kind: 'sensor.admitted_elsewhere', body: { address: '192.0.2.66', first_address: '192.0.2.7' } },
    ]);
  });

  test('guessed three times: the address is not listened to for a quarter of an hour, others are', async () => {
    const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
    for (const guess of ['AAAA', 'BBBB', 'CCCC'])
      await expect(admit({ code: guess })).rejects.toMatchObject(refused('SENSOR_CODE_UNKNOWN'));
    await expect(admit({ code })).rejects.toMatchObject(refused('SENSOR_BLOCKED'));
    expect(lab.record).toMatchObject([
      { kind: 'sensor.refused', body: { address: '192.0.2.7', blocked: true } },
    ]);
    lab.pass(15 * MINUTE_MS - 1);
    await expect(admit({ code })).rejects.toMatchObject(refused('SENSOR_BLOCKED'));
    lab.pass(1);
    expect(await admit({ code })).toMatchObject({ outcome: 'admitted' });
    const another = await lab.parts.admission.makeCode('root', 'self_heal');
    expect(await admit({ code: another.code, address: '192.0.2.9' })).toMatchObject({ outcome: 'admitted' });
  });

  test('lets nobody in where the evidence cannot be written', async () => {
    const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
    lab.state.evidence_full = true;
    await expect(admit({ code })).rejects.toThrow('the evidence is full');
    expect(lab.parts.registry.list()).toEqual([]);
    lab.state.evidence_full = false;
    expect(await admit({ code })).toMatchObject({ outcome: 'admitted' });
  });
});

describe('approval', () => {
  test('lets in exactly the claim that was approved, at its next try, also after a restart', async () => {
    const [mine, other] = [newClaim(), newClaim()];
    const fingerprint = await fingerprintOf(mine);
    await fingerprintOf(other);
    expect(lab.parts.admission.waiting()).toMatchObject([
      { hostname: 'desk-7', address: '192.0.2.7', approved: false },
      { approved: false },
    ]);
    await lab.parts.admission.approve({ fingerprint, by: 'operator', tier: 'monitor_only' });
    await lab.restart();
    expect(await admit({ claim: other })).toMatchObject({ outcome: 'waiting' });
    const answer = await admit({ claim: mine });
    expect(answer).toMatchObject({
      outcome: 'admitted',
      sensor: { tier: 'monitor_only', admitted_by: 'operator' },
    });
    expect(await admit({ claim: mine })).toEqual(answer);
    lab.pass(HOUR_MS);
    await expect(admit({ claim: mine })).rejects.toMatchObject(refused('SENSOR_REFUSED'));
    expect(lab.parts.admission.waiting()).toHaveLength(1);
  });

  test('on the status page needs the code of the console, which changes with each use', async () => {
    const fingerprint = await fingerprintOf(newClaim());
    const console_code = lab.parts.admission.consoleCode();
    const approve = (typed?: string) =>
      lab.parts.admission.approve({
        ...{ fingerprint, by: 'status_page', tier: 'self_heal' },
        ...(typed === undefined ? {} : { console_code: typed }),
      });
    await expect(approve()).rejects.toMatchObject(refused('SENSOR_CONSOLE_CODE'));
    await expect(approve(console_code === '000000' ? '1' : '000000')).rejects.toMatchObject(
      refused('SENSOR_CONSOLE_CODE'),
    );
    expect(await approve(console_code)).toMatchObject({ approved: true });
    await expect(approve(console_code)).rejects.toMatchObject(refused('SENSOR_CONSOLE_CODE'));
  });

  test('refused is refused, whatever is asked again, and on record', async () => {
    const claim = newClaim();
    const fingerprint = await fingerprintOf(claim);
    await lab.parts.admission.refuse(fingerprint, 'root');
    await expect(admit({ claim })).rejects.toMatchObject(refused('SENSOR_REFUSED'));
    expect(lab.parts.admission.waiting()).toEqual([]);
    expect(lab.record).toMatchObject([{ kind: 'sensor.refused', body: { fingerprint, by: 'root' } }]);
    await expect(lab.parts.admission.refuse('ffffffff', 'root')).rejects.toMatchObject(
      refused('SENSOR_NOT_WAITING'),
    );
    await expect(
      lab.parts.admission.approve({
        fingerprint: fingerprint.slice(0, 7),
        by: 'operator',
        tier: 'self_heal',
      }),
    ).rejects.toMatchObject(refused('SENSOR_NOT_WAITING'));
  });

  test('the list of those who wait is bounded, also for one address, and forgets who has gone', async () => {
    for (let index = 0; index < 4; index += 1) await fingerprintOf(newClaim());
    await expect(admit({ claim: newClaim() })).rejects.toMatchObject(refused('SENSOR_WAITING_FULL'));
    for (let index = 0; index < 60; index += 1)
      await admit({ claim: newClaim(), address: `198.51.100.${index}` });
    await expect(admit({ claim: newClaim(), address: '203.0.113.1' })).rejects.toMatchObject(
      refused('SENSOR_WAITING_FULL'),
    );
    lab.pass(24 * HOUR_MS);
    expect(await admit({ claim: newClaim(), address: '203.0.113.1' })).toMatchObject({ outcome: 'waiting' });
    expect(lab.parts.admission.waiting()).toHaveLength(1);
  });

  test('who brings nothing, or what is no claim, is told what to bring', async () => {
    await expect(admit({})).rejects.toMatchObject(refused('SENSOR_CLAIM_MISSING'));
    await expect(admit({ claim: new Uint8Array(31) })).rejects.toMatchObject(refused('SENSOR_CLAIM_INVALID'));
    await expect(admit({ claim: newClaim(), hostname: '' })).rejects.toMatchObject(refused('SENSOR_FIELD'));
    await expect(admit({ claim: newClaim(), os_version: 'a\u001b[2J' })).rejects.toMatchObject(
      refused('SENSOR_FIELD'),
    );
  });
});

describe('the code of the console', () => {
  test('is another after ten wrong ones, and nobody is listened to for a while that doubles', () => {
    const code = new ConsoleCode();
    const before = code.current;
    const wrong = (now_ms: number) => {
      for (let index = 0; index < 10; index += 1) expect(() => code.use('x', now_ms)).toThrow('not the code');
    };
    wrong(0);
    expect(code.current).not.toBe(before);
    expect(() => code.use(code.current, 10 * MINUTE_MS - 1)).toThrow('too many');
    wrong(10 * MINUTE_MS);
    expect(() => code.use(code.current, 30 * MINUTE_MS - 1)).toThrow('too many');
    expect(() => code.use(code.current, 30 * MINUTE_MS)).not.toThrow();
    expect(code.current).toMatch(/^\d{6}$/);
  });
});

describe('an address', () => {
  test('of IPv6 counts by its network, one of IPv4 by itself however it is written', () => {
    expect(addressKey('2001:db8:0:1::7')).toBe(addressKey('2001:0db8:0000:0001:ffff::'));
    expect(addressKey('2001:db8:0:1::7')).not.toBe(addressKey('2001:db8:0:2::7'));
    expect(addressKey('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(addressKey('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });

  test('that failed is forgotten when too many are known', () => {
    const guard = new AddressGuard();
    for (let index = 0; index < 3; index += 1) guard.failed('192.0.2.7', 0);
    expect(() => guard.assertOpen('192.0.2.7', 1)).toThrow('not listened to');
    for (let index = 0; index < ADDRESSES_MAX; index += 1)
      guard.failed(`10.0.${index >> 8}.${index & 255}`, 1);
    expect(() => guard.assertOpen('192.0.2.7', 1)).not.toThrow();
  });
});
