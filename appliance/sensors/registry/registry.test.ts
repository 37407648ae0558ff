import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { type SensorLab, sensorLab } from '../lab/sensor-lab.ts';
import type { Sensor } from './sensor.ts';

let lab: SensorLab;
let sensor: Sensor;
beforeEach(async () => {
  lab = sensorLab(makeFolder('registry'));
  const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
  const answer = await lab.parts.admission.admit(lab.plea({ code }));
  if (answer.outcome !== 'admitted') throw new Error('it was not let in');
  ({ sensor } = answer);
});
afterEach(() => lab.close());

const certificate = (name: string, issued_ms: number) => ({
  ...{ fingerprint: name.repeat(64), sensor: sensor.id, issued_ms, expires_ms: issued_ms + 1000 },
});

describe('the list of sensors', () => {
  test('is the same after a restart, with what was heard', async () => {
    lab.pass(1000);
    lab.parts.registry.heard(sensor.id, { drift_count: 3, healing_count: 1, agent_version: '1.1' });
    lab.parts.registry.heard(sensor.id, null);
    await lab.parts.registry.setTier(sensor.id, 'full_remediation');
    await lab.parts.registry.describe(sensor.id, {
      ...{
        hostname: 'desk-8',
        os_version: 'Debian 13',
        agent_version: '1.2',
        mac_address: '02:00:00:00:00:01',
      },
    });
    const before = lab.parts.registry.find(sensor.id);
    expect(before).toMatchObject({
      ...{
        hostname: 'desk-8',
        tier: 'full_remediation',
        drift_count: 3,
        healing_count: 1,
        agent_version: '1.2',
      },
      last_heard_at: new Date(lab.clock.now_ms).toISOString(),
    });
    await lab.restart();
    expect(lab.parts.registry.list()).toEqual([before]);
  });

  test('knows what is installed on a machine, as it said last and as far as it fits', async () => {
    const { software } = lab.parts.registry;
    expect(software.of(sensor.id)).toEqual([]);
    await software.keep(sensor.id, ['b 1', 'a 2']);
    await lab.restart();
    expect(lab.parts.registry.software.of(sensor.id)).toEqual(['b 1', 'a 2']);
    await lab.parts.registry.software.keep(
      sensor.id,
      Array.from({ length: 4_000 }, (_, index) => `program ${index}`),
    );
    const kept = lab.parts.registry.software.of(sensor.id);
    expect([kept.length > 1_000, kept.length < 4_000, kept[0]]).toEqual([true, true, 'program 0']);
  });

  test('writes nothing for a heartbeat until it is time to', async () => {
    const rows = () => lab.parts.store.database.query('select last_heard_at from sensors').all();
    lab.parts.registry.heard(sensor.id, null);
    expect(rows()).toEqual([{ last_heard_at: null }]);
    await lab.parts.registry.flush();
    expect(rows()).toEqual([{ last_heard_at: new Date(lab.clock.now_ms).toISOString() }]);
  });

  test('knows a sensor by each certificate that holds, and ends the older ones when a newer is used', async () => {
    const { registry } = lab.parts;
    const [a, b] = [certificate('a', 1), certificate('b', 2)];
    await registry.addCertificate(a);
    await registry.addCertificate(b);
    expect(registry.byCertificate(a.fingerprint)?.sensor.id).toBe(sensor.id);
    registry.certificateUsed(a);
    registry.certificateUsed(b);
    await expect.poll(() => registry.byCertificate(a.fingerprint)).toBeNull();
    await lab.restart();
    expect(lab.parts.registry.byCertificate(a.fingerprint)).toBeNull();
    expect(lab.parts.registry.byCertificate(b.fingerprint)).toMatchObject({ certificate: b });
  });

  test('keeps no more certificates of one sensor than could be in use', async () => {
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries())
      await lab.parts.registry.addCertificate(certificate(name, index));
    expect(
      ['a', 'b', 'c', 'd'].map((name) => lab.parts.registry.byCertificate(name.repeat(64)) !== null),
    ).toEqual([...[false, true, true, true]]);
  });

  test('tells at once and once that a sensor was revoked, and never takes it back', async () => {
    const { registry } = lab.parts;
    const told: string[] = [];
    registry.onRevoked(({ id }) => told.push(id));
    await registry.revoke(sensor.id);
    await registry.revoke(sensor.id);
    expect(told).toEqual([sensor.id]);
    await expect(registry.setTier(sensor.id, 'self_heal')).rejects.toMatchObject({ code: 'SENSOR_REVOKED' });
    await expect(registry.revoke('s-0000000000000000')).rejects.toMatchObject({ code: 'SENSOR_UNKNOWN' });
    await lab.restart();
    expect(lab.parts.registry.find(sensor.id)?.revoked_at).not.toBeNull();
  });
});

describe('commands', () => {
  const command = (action: string, command_id = 'c-1') => ({
    ...{ command_id, check_type: 'ssh', action, params: { service: 'ssh' }, timeout_s: 60 },
  });
  const given = () => lab.parts.commands.pending(sensor.id).map(({ command_id }) => command_id);

  test('reach a sensor whose tier allows the action, and no other', async () => {
    const { commands, registry } = lab.parts;
    const refusedFor = async (tier: Sensor['tier'], action: string) => {
      await registry.setTier(sensor.id, tier);
      try {
        commands.give(sensor.id, command(action));
        return null;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(await refusedFor('monitor_only', 'start_service')).toBe('SENSOR_TIER');
    expect(await refusedFor('self_heal', 'start_service')).toBeNull();
    expect(await refusedFor('self_heal', 'lock_account')).toBe('SENSOR_TIER');
    expect(await refusedFor('full_remediation', 'lock_account')).toBeNull();
    expect(await refusedFor('full_remediation', 'apply_firewall')).toBe('SENSOR_ACTION');
    expect(await refusedFor('full_remediation', 'rm -rf')).toBe('SENSOR_ACTION');
    // Lowered while a command waits: it is not handed out any more.
    expect(given()).toEqual(['c-1']);
    await registry.setTier(sensor.id, 'monitor_only');
    expect(given()).toEqual([]);
  });

  test('are handed out until a result came or the time is over, and the same twice is one', async () => {
    const { commands } = lab.parts;
    commands.give(sensor.id, command('start_service', 'c-1'));
    commands.give(sensor.id, command('start_service', 'c-2'));
    commands.give(sensor.id, command('start_service', 'c-1'));
    expect(given()).toEqual(['c-2', 'c-1']);
    const told: string[] = [];
    commands.onResult(({ command_id }) => told.push(command_id));
    const result = {
      ...{ command_id: 'c-1', sensor: sensor.id, check_type: 'ssh', success: true, error_message: '' },
      ...{ at_s: 1, artifacts: { b: '2', a: '1' } },
    };
    const first = await commands.result(result);
    expect(first).toMatchObject({ event_id: expect.stringMatching(/^e-[0-9a-f]{32}$/), first: true });
    expect(await commands.result({ ...result, artifacts: { a: '1', b: '2' } })).toEqual({
      ...first,
      first: false,
    });
    expect([told, given()]).toEqual([['c-1'], ['c-2']]);
    lab.pass(180_000);
    expect(given()).toEqual([]);
  });

  test('that are too many, or for one who was revoked, are refused', async () => {
    const { commands, registry } = lab.parts;
    for (let index = 0; index < 32; index += 1)
      commands.give(sensor.id, command('start_service', `c-${index}`));
    expect(() => commands.give(sensor.id, command('start_service', 'c-32'))).toThrow('wait for');
    await registry.revoke(sensor.id);
    expect(given()).toEqual([]);
    expect(() => commands.give(sensor.id, command('start_service'))).toThrow('was revoked');
    expect(() => commands.give('s-0000000000000000', command('start_service'))).toThrow('no sensor');
  });
});
