import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { DriftEvent } from '../../../../protocol/sensors/generated/compliance.ts';
import { CapabilityTier } from '../../../../protocol/sensors/generated/compliance.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { readIdentity } from './identity.ts';
import { type SmallAppliance, startSmallAppliance } from './lab/small-appliance.ts';
import type { Reading } from './reading.ts';
import { createSensor, type SensorOptions } from './sensor.ts';

const DAY_MS = 86_400_000;

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function appliance(folder = makeFolder('appliance'), port = 0): Promise<SmallAppliance> {
  const made = await startSmallAppliance(folder, port);
  ended.push(() => made.stop());
  return made;
}

function start(of: Pick<SmallAppliance, 'port' | 'fingerprint'>, changed: Partial<SensorOptions> = {}) {
  const words: string[] = [];
  const options: SensorOptions = {
    ...{
      folder: makeFolder('sensor'),
      address: { host: '127.0.0.1', port: of.port },
      code: 'CODE',
      checks: [],
    },
    authority: { fingerprint: of.fingerprint },
    facts: { hostname: 'ws-1', os_version: 'Debian', agent_version: '1.0.0', mac_address: '' },
    actions: { platform: 'linux', act: {} },
    log: (_, message) => words.push(message),
    ...{ check_interval_ms: 40, random: () => 0.5, pace: { heartbeat_interval_ms: 60, pause_ms: () => 40 } },
    ...changed,
  };
  const sensor = createSensor(options);
  const stop = new AbortController();
  const run = sensor.run(stop.signal);
  const end = async () => {
    stop.abort();
    await run;
  };
  ended.push(end);
  return { sensor, words, folder: options.folder, end };
}

function reading(actual: string, passed = false): Reading {
  return { check_type: actual, passed, expected: 'x', actual, control: null };
}

/** What will be true before long, also on a busy machine. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 15_000 });

const names = (events: readonly DriftEvent[]) => events.map(({ actual }) => actual);

test('a sensor is let in by its code, keeps its key to itself, and tells what it sees', async () => {
  const { seen, ...of } = await appliance();
  const check = {
    check_type: 'disk',
    look: async (set: object) => ({ ...reading(JSON.stringify(set)), check_type: 'disk' }),
  };
  const { sensor, folder } = start(of, { checks: [check] });
  await soon(() => seen.events.length).toBeGreaterThan(2);
  expect(seen.registrations[0]).toMatchObject({
    code: 'CODE',
    request: { hostname: 'ws-1', agent_version: '1.0.0' },
  });
  expect(seen.registrations[0]?.request_bytes).toBeGreaterThan(100);
  const last = seen.events.at(-1);
  expect(last).toMatchObject({
    agent_id: 's-0123456789abcdef',
    hostname: 'ws-1',
    check_type: 'disk',
    passed: false,
  });
  expect(last?.actual).toBe('{"disk.used_max_percent":"80"}');
  expect(new Set(seen.events.map(({ metadata }) => metadata['event_id'])).size).toBe(seen.events.length);
  await soon(() => sensor.status()).toMatchObject({
    ...{ agent_id: 's-0123456789abcdef', tier: 'self_heal', link: { state: 'connected' } },
    checks: { disk: { passed: false } },
  });
  const file = join(folder, 'identity.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toContain('BEGIN PRIVATE KEY');
});

test('without a code it waits until its fingerprint is approved', async () => {
  const { seen, rules, ...of } = await appliance();
  const { sensor, folder } = start(of, { code: 'WRONG' });
  await soon(() => sensor.status().link).toMatchObject({
    state: 'waiting',
    why: expect.stringMatching(/fingerprint [0-9a-f]{8}$/),
  });
  const claim = readIdentity(join(folder, 'identity.json'))?.claim ?? '';
  const hash = createHash('sha256').update(Buffer.from(claim, 'hex')).digest('hex');
  const { link } = sensor.status();
  expect('why' in link && link.why.endsWith(hash.slice(0, 8))).toBe(true);
  // It shows the same claim each time it asks.
  await soon(() => seen.registrations.length).toBeGreaterThan(2);
  expect(new Set(seen.registrations.map(({ claim }) => claim))).toEqual(new Set([hash]));
  rules.approved.add(hash);
  await soon(() => sensor.status().link.state).toBe('connected');
});

test('nothing is said to an appliance of another authority', async () => {
  const { seen, ...of } = await appliance();
  const { sensor } = start({ ...of, fingerprint: 'ab'.repeat(32) });
  await soon(() => sensor.status().link).toMatchObject({
    state: 'refused',
    why: expect.stringContaining('SENSOR_AUTHORITY_OTHER'),
  });
  expect(seen.registrations).toEqual([]);
});

test('nor to a machine that has a certificate of the right authority for another address', async () => {
  const other = await startSmallAppliance(makeFolder('appliance'), 0, {
    dns: ['localhost'],
    ip: ['192.0.2.1'],
  });
  ended.push(() => other.stop());
  const { sensor } = start(other);
  await soon(() => sensor.status().link).toMatchObject({ why: expect.stringMatching(/UNAVAILABLE/) });
  expect(other.seen.registrations).toEqual([]);
});

test('what happens while nobody is there waits, and arrives in its order, each once', async () => {
  const folder = makeFolder('appliance');
  const first = await appliance(folder);
  const { sensor } = start(first);
  await soon(() => sensor.status().link.state).toBe('connected');
  sensor.tell(reading('a'));
  await soon(() => names(first.seen.events)).toEqual(['a']);
  await first.stop();
  await soon(() => sensor.status().link.state).toBe('interrupted');
  const many = Array.from({ length: 300 }, (_, index) => `n${index}`);
  for (const name of many) sensor.tell(reading(name));
  expect(sensor.status().waiting).toBe(300);
  const second = await appliance(folder, first.port);
  // It breaks again and again while they arrive.
  const broken = new Set<number>();
  second.rules.breakAt = (count) => count % 70 === 69 && !broken.has(count) && broken.add(count).size > 0;
  await soon(() => sensor.status().waiting).toBe(0);
  const arrived = new Map(second.seen.events.map((event) => [event.metadata['event_id'], event.actual]));
  expect([...arrived.values()]).toEqual(many);
  expect(broken.size).toBeGreaterThan(2);
});

test('what waits survives the end of the sensor, and its key too', async () => {
  const { port, fingerprint, seen, stop } = await appliance();
  const { sensor, folder, end } = start({ port, fingerprint });
  await soon(() => sensor.status().link.state).toBe('connected');
  await stop();
  sensor.tell(reading('kept'));
  await end();
  const certificate = readIdentity(join(folder, 'identity.json'))?.admission?.certificate_pem;
  const again = await appliance();
  start({ port: again.port, fingerprint: again.fingerprint }, { folder });
  // Another appliance with another authority: the sensor stays with its own.
  await Bun.sleep(200);
  expect(again.seen.events).toEqual([]);
  expect(seen.events).toEqual([]);
  expect(readIdentity(join(folder, 'identity.json'))?.admission?.certificate_pem).toBe(certificate);
});

test('a command is done once however often it is handed out, and its result is told until it is taken', async () => {
  const { seen, rules, ...of } = await appliance();
  let times = 0;
  let looked = 0;
  rules.commands = [
    { command_id: 'c1', check_type: 'time', action: 'restart_time_sync', params: {}, timeout_seconds: 5 },
    {
      command_id: 'c2',
      check_type: 'users',
      action: 'lock_account',
      params: { user: 'eve' },
      timeout_seconds: 0,
    },
  ];
  rules.result = (count) => count > 1;
  const check = {
    check_type: 'time',
    look: async () => ({ ...reading(`look ${++looked}`), check_type: 'time' }),
  };
  start(of, {
    checks: [check],
    check_interval_ms: 60_000,
    actions: {
      platform: 'linux',
      act: { restart_time_sync: async () => `time ${++times}`, lock_account: async () => 'no' },
    },
  });
  await soon(() => seen.results.filter(({ command_id }) => command_id === 'c1').length).toBeGreaterThan(1);
  await soon(() => seen.heartbeats).toBeGreaterThan(4);
  expect(times).toBe(1);
  expect(seen.results.find(({ command_id }) => command_id === 'c1')).toMatchObject({
    success: true,
    artifacts: { output: 'time 1' },
  });
  expect(seen.results.find(({ command_id }) => command_id === 'c2')).toMatchObject({
    ...{ success: false, error_message: expect.stringContaining('needs the tier full_remediation') },
  });
  // Behind the action the check is looked at again, without waiting for its turn.
  await soon(() => names(seen.events)).toContain('look 2');
});

test('a sensor that may only watch does nothing, whatever it is told', async () => {
  const { seen, rules, ...of } = await appliance();
  rules.tier = CapabilityTier.MONITOR_ONLY;
  rules.commands = [
    { command_id: 'c1', check_type: 'time', action: 'restart_time_sync', params: {}, timeout_seconds: 5 },
  ];
  let times = 0;
  start(of, { actions: { platform: 'linux', act: { restart_time_sync: async () => `${++times}` } } });
  await soon(() => seen.results[0]?.error_message).toContain('only watches');
  expect(times).toBe(0);
});

test('an event that the appliance does not take is given up, counted, and those behind it arrive', async () => {
  const { seen, rules, ...of } = await appliance();
  let tries = 0;
  rules.refuse = (event) => (event.actual === 'bad' ? `no, ${++tries}` : null);
  const { sensor, words } = start(of);
  for (const name of ['a', 'bad', 'b']) sensor.tell(reading(name));
  await soon(() => names(seen.events)).toContain('b');
  await soon(() => sensor.status().lost).toEqual({ passed: 0, failed: 0, refused: 1 });
  expect(tries).toBe(1);
  expect(words).toContain('an event of bad is given up: no, 1');
});

test('a certificate that nears its end is renewed for a new key, and the sensor stays the same', async () => {
  const { seen, rules, ...of } = await appliance();
  // Issued 340 days ago: 25 are left.
  rules.now = () => new Date(Date.now() - 340 * DAY_MS);
  const { sensor, folder } = start(of);
  await soon(() => seen.registrations.length).toBeGreaterThan(0);
  const file = join(folder, 'identity.json');
  await soon(() => readIdentity(file)?.admission).toBeTruthy();
  const before = readIdentity(file);
  rules.now = () => new Date();
  await soon(() => sensor.status().link.state).toBe('connected');
  const after = readIdentity(file);
  expect(after?.admission?.agent_id).toBe(before?.admission?.agent_id);
  expect(after?.key_pem).not.toBe(before?.key_pem);
  expect(seen.registrations.at(-1)).toMatchObject({ claim: null, code: null });
});

test('what the appliance has set meanwhile is learned when it says so', async () => {
  const { rules, ...of } = await appliance();
  const { sensor } = start(of);
  await soon(() => sensor.status().tier).toBe('self_heal');
  rules.tier = CapabilityTier.FULL_REMEDIATION;
  rules.answer = { config_changed: true };
  await soon(() => sensor.status().tier).toBe('full_remediation');
});

test('an offer of a newer program is told', async () => {
  const { rules, ...of } = await appliance();
  rules.answer = {
    update_available: true,
    update_version: '2.0.0',
    update_url: 'http://x/y',
    update_sha256: 'ab',
  };
  const offers: object[] = [];
  start(of, { onOffer: (offer) => offers.push(offer) });
  await soon(() => offers[0]).toEqual({ version: '2.0.0', url: 'http://x/y', sha256: 'ab' });
});
