import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { sensorChanges } from './changes.ts';
import { type SensorLab, sensorLab } from './lab/sensor-lab.ts';
import { createRegistry } from './registry/registry.ts';

let lab: SensorLab;
let id: string;
beforeEach(async () => {
  lab = sensorLab(makeFolder('changes'));
  const { code } = await lab.parts.admission.makeCode('root', 'self_heal');
  const answer = await lab.parts.admission.admit(lab.plea({ code }));
  if (answer.outcome !== 'admitted') throw new Error('it was not let in');
  ({ id } = answer.sensor);
});
afterEach(() => lab.close());

const kinds = () => lab.record.map(({ kind }) => kind);

test('a sensor that has filled the evidence is put out all the same, and that is on record when there is room', async () => {
  const changes = sensorChanges(lab.parts.registry, lab.evidence);
  lab.state.evidence_full = true;
  await expect(changes.revoke(id, 'root')).rejects.toThrow('the evidence is full');
  expect(lab.parts.registry.find(id)?.revoked_at).not.toBeNull();
  lab.state.evidence_full = false;
  await changes.revoke(id, 'root');
  await changes.revoke(id, 'root');
  expect(kinds()).toEqual(['sensor.admitted', 'sensor.revoked']);
  await lab.restart();
  expect(lab.parts.registry.find(id)?.revoked_at).not.toBeNull();
});

test('a lower tier counts at once, whatever is full, and is on record when there is room; a higher one not before', async () => {
  const changes = sensorChanges(lab.parts.registry, lab.evidence);
  const tier = () => lab.parts.registry.get(id).tier;
  lab.state.evidence_full = true;
  await expect(changes.setTier(id, 'full_remediation', 'root')).rejects.toThrow('the evidence is full');
  expect(tier()).toBe('self_heal');
  await expect(changes.setTier(id, 'monitor_only', 'root')).rejects.toThrow('the evidence is full');
  expect(tier()).toBe('monitor_only');
  lab.state.evidence_full = false;
  await changes.setTier(id, 'self_heal', 'root');
  expect(lab.record.slice(1).map(({ body }) => [body['from'], body['to']])).toEqual([
    ['self_heal', 'monitor_only'],
    ['monitor_only', 'self_heal'],
  ]);
  // Two registries share the store from here on; this one has nothing left to write.
  await lab.parts.registry.flush();
  const { store } = lab.parts;
  const state = { full: true };
  const write: typeof store.write = (work, size_bytes) =>
    state.full ? Promise.reject(new Error('no room')) : store.write(work, size_bytes);
  const registry = createRegistry({
    store: { ...store, database: store.database, write },
    now: () => new Date(lab.clock.now_ms),
    warn: lab.warn,
  });
  await expect(sensorChanges(registry, lab.evidence).setTier(id, 'monitor_only', 'root')).rejects.toThrow(
    'no room',
  );
  expect(registry.get(id).tier).toBe('monitor_only');
  state.full = false;
  await registry.stop();
  await lab.restart();
  expect(tier()).toBe('monitor_only');
});

test('a sensor that has filled the store is put out at once, and for good when there is room', async () => {
  const { store } = lab.parts;
  const state = { full: true };
  const write: typeof store.write = (work, size_bytes) =>
    state.full ? Promise.reject(new Error('no room')) : store.write(work, size_bytes);
  const now = () => new Date(lab.clock.now_ms);
  const registry = createRegistry({
    store: { ...store, database: store.database, write },
    now,
    warn: lab.warn,
  });
  const told: string[] = [];
  registry.onRevoked((sensor) => told.push(sensor.id));
  await expect(sensorChanges(registry, lab.evidence).revoke(id, 'root')).rejects.toThrow('no room');
  expect([registry.find(id)?.revoked_at, told]).toEqual([now().toISOString(), [id]]);
  state.full = false;
  await registry.stop();
  await lab.restart();
  expect(lab.parts.registry.find(id)?.revoked_at).toBe(now().toISOString());
});
