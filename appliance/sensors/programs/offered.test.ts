import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../../../test/qemu/harness/ports.ts';
import { startTestSite } from '../../../test/site/test-site.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { TEST_RELEASE, testTrust } from '../../../updater/testing/test-keys.ts';
import { callSite } from '../../site/control/client.ts';
import type { UpdateOffer } from '../client/sdk/link.ts';
import { createSensor } from '../client/sdk/sensor.ts';
import { SelfUpdate } from '../client/update/self-update.ts';
import { spawnProgram } from '../client/update/spawn-program.ts';
import { endChild } from '../client/update/trial.ts';
import type { NewCode, SensorList } from '../control.ts';
import { addProgram } from './keep-program.ts';
import { signedProgram } from './lab/signed-program.ts';
import { LOOK_EVERY_MS } from './limits.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Reports as a program does that the appliance has heard, and goes on. */
const NEXT = '#!/bin/sh\necho reported > "$BULKHEAD_SENSOR_TRIAL"\nexec sleep 60\n'.padEnd(1_500_000, '#');
const NEVER = new AbortController().signal;
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 15_000 });

/** The whole service, and a sensor of version 1.0.0 that was let in by it. */
async function site() {
  const folder = makeFolder('offered');
  const socket = join(folder, 'control.sock');
  const [grpc = 0, http = 0] = [await freePort(0), await freePort(0)];
  const running = await startTestSite({ folder, socket, sensorPorts: { grpc, http, host: '127.0.0.1' } });
  ends.push(() => running.stop());
  const asked = { by: 'root', tier: 'monitor_only' };
  const made = await callSite('/v1/sensors/codes', { socket, method: 'POST', body: asked });
  const { code, ca_sha256 } = made as NewCode;
  const offers: UpdateOffer[] = [];
  const run = (agent_version: string) => {
    const stop = new AbortController();
    const sensor = createSensor({
      ...{ folder: join(folder, 'sensor'), address: { host: '127.0.0.1', port: grpc }, checks: [], code },
      ...{ authority: { fingerprint: ca_sha256 }, log: () => undefined },
      facts: {
        ...{ hostname: 'ws-1', os_version: 'Debian GNU/Linux 12', agent_version },
        mac_address: '02:00:00:00:00:01',
      },
      actions: { platform: 'linux', act: {} },
      ...{ check_interval_ms: 200, pace: { heartbeat_interval_ms: 100, pause_ms: () => 100 } },
      onOffer: (offer) => offers.push(offer),
    });
    const running = sensor.run(stop.signal);
    const end = async () => {
      stop.abort();
      await running;
    };
    ends.push(end);
    return end;
  };
  const list = async () => (await callSite('/v1/sensors', { socket })) as SensorList;
  const add = (version: string, program = NEXT) => {
    const { file, signature_file, sha256 } = signedProgram(folder, {
      ...{ version, program, signer: TEST_RELEASE },
    });
    addProgram({
      ...{ folder: join(folder, 'sensor-programs'), file, signature_file, trusted: testTrust() },
      ...{ now: new Date(), allow_downgrade: false, leaves_bytes: 0 },
    });
    return sha256;
  };
  return { folder, http, offers, run, list, add };
}

/** The sensor's own way to its next version. */
function updater(folder: string) {
  const installed = join(folder, 'program', 'bulkhead-sensor');
  mkdirSync(join(folder, 'program'));
  writeFileSync(installed, 'old', { mode: 0o755 });
  const words: string[] = [];
  const update = new SelfUpdate({
    ...{ installed, folder: join(folder, 'program'), platform: 'linux-x64', version: '1.0.0' },
    ...{ trusted: testTrust(), start: spawnProgram, now_ms: Date.now },
    log: (_, message) => words.push(message),
  });
  return { installed, update, words };
}

test('a sensor is offered the program that was added, fetches it where it reached the appliance, and runs it', async () => {
  const { folder, http, offers, run, list, add } = await site();
  const end = run('1.0.0');
  await soon(async () => (await list()).sensors).toMatchObject([{ agent_version: '1.0.0' }]);
  expect(await list()).toMatchObject({ behind: {} });
  const sha256 = add('1.1.0');
  await soon(() => offers.length).toBeGreaterThan(0);
  const [offer] = offers;
  if (offer === undefined) throw new Error('it was offered');
  expect(offer).toEqual({
    ...{ version: '1.1.0', sha256 },
    url: `http://127.0.0.1:${http}/sensor/program/linux-x64/1.1.0`,
  });
  const [id = ''] = (await list()).sensors.map((sensor) => sensor.id);
  expect((await list()).behind).toEqual({ [id]: '1.1.0' });

  const { update, installed, words } = updater(folder);
  const ready = await update.prepare(offer, NEVER);
  if (ready === null) throw new Error(words.join());
  const child = await update.tryOut(ready, ['run'], NEVER);
  if (child === null) throw new Error(words.join());
  ends.push(() => endChild(child));
  expect(readFileSync(installed, 'utf8')).toBe(NEXT);

  // What follows it says another version of itself, and is offered nothing more.
  await end();
  run('1.1.0');
  await soon(async () => (await list()).sensors).toMatchObject([{ id, agent_version: '1.1.0' }]);
  expect((await list()).behind).toEqual({});
  const before = offers.length;
  await Bun.sleep(500);
  expect(offers).toHaveLength(before);
});

test('a program of which a byte was changed on the appliance is not run', async () => {
  const { folder, offers, run, add } = await site();
  add('1.1.0');
  const kept = join(folder, 'sensor-programs', 'bulkhead-sensor-linux-x64-1.1.0');
  const bytes = readFileSync(kept);
  bytes.writeUInt8(bytes.readUInt8(700_000) ^ 1, 700_000);
  writeFileSync(kept, bytes);
  run('1.0.0');
  await expect.poll(() => offers.length, { timeout: 15_000 + LOOK_EVERY_MS }).toBeGreaterThan(0);
  const [offer] = offers;
  if (offer === undefined) throw new Error('it was offered');
  const { update, installed, words } = updater(folder);
  expect(await update.prepare(offer, NEVER)).toBeNull();
  expect(words.join()).toContain('SENSOR_PROGRAM_DIGEST');
  expect(readFileSync(installed, 'utf8')).toBe('old');
  expect(existsSync(`${installed}.next`)).toBe(false);
});
