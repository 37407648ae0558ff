import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { privateKeyFrom, signEd25519 } from '../../base/signing/ed25519.ts';
import { keyId } from '../../base/signing/key-id.ts';
import { startLinkLab, until } from '../../test/coordinator/link-lab.ts';
import { evidenceKey } from '../../test/evidence/evidence-key.ts';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { evidenceControl } from '../evidence/control.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import type { DeviceKey } from '../identity/key-file.ts';
import { serveControl } from '../site/control/server.ts';
import { startEvidenceCourier } from './evidence-courier.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const signerOf = ({ publicKey, secretKey }: DeviceKey) => {
  const key = privateKeyFrom(secretKey.subarray(0, 32));
  const sign = (message: Uint8Array) => signEd25519(key, message);
  return { key_id: keyId(publicKey), public_key: publicKey, pem: '', sign };
};

/** A log with the socket that the courier asks at. @param key of the device that vouches for it */
async function openSite(key?: DeviceKey) {
  const folder = makeFolder('courier');
  const log = await openLog(join(folder, 'evidence'), {
    ...(key === undefined ? {} : { key: evidenceKey('evidence', signerOf(key)) }),
    ...{ roll_bytes: 4096, now: () => new Date() },
  });
  ends.push(() => log.stop());
  const socket = join(folder, 'socket');
  const server = serveControl({
    socket,
    parts: [evidenceControl(log)],
    onFault: (words) => expect.fail(words),
  });
  ends.push(() => server.stop());
  return { folder, log, socket };
}

test('evidence goes from the site over the link to the coordinator, and what it says comes back into the chain', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const { log, socket, folder } = await openSite(link.key);
  for (let at = 0; at < 20; at += 1) await log.append([healed(at)]);
  const warnings: string[] = [];
  const courier = startEvidenceCourier({
    ...{ link, socket, errand_ms: 20, piece_pause_ms: 1, warn: (message) => warnings.push(message) },
  });
  ends.push(() => courier.stop());
  await until(() => log.checkpoints.last() !== null);
  const finished = () => log.custody.list().filter(({ state }) => state !== 'open');
  await until(() => finished().length > 1 && finished().every(({ state }) => state === 'received'));
  expect(warnings).toEqual([]);
  expect(link.problem()).toBeNull();
  const evidence = await lab.ask('GET', `/api/v1/devices/${link.id}/evidence`);
  expect(evidence).toMatchObject({
    chains: [{ chain: log.writer.state.chain, trouble: null, segments: finished().length }],
  });
  const coordinator_keys = link.coordinatorKeys().map((key) => Buffer.from(key, 'base64'));
  const verdict = await verifyEvidence(join(folder, 'evidence'), {
    device_keys: [link.key.publicKey],
    coordinator_keys,
  });
  expect(verdict).toMatchObject({ whole: true, chains: [{ countersigned: { seq: expect.any(Number) } }] });
});

test('a segment that the coordinator refuses is put into quarantine, and the link is well', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  // Of another device: the coordinator takes none of it.
  const { log, socket } = await openSite();
  for (let at = 0; at < 20; at += 1) await log.append([healed(at)]);
  const courier = startEvidenceCourier({ link, socket, errand_ms: 20, piece_pause_ms: 1, warn: () => {} });
  ends.push(() => courier.stop());
  await until(() => log.custody.list()[0]?.state === 'quarantined');
  expect(log.custody.list()[0]?.note.refused).toMatchObject({ code: 'EVIDENCE_REFUSED', times: 1 });
  expect(link.problem()).toBeNull();
  expect(link.status().state).toBe('connected');
});

test('without a service of the site, and before it is let in, nothing is asked', async () => {
  const lab = await startLinkLab();
  const link = lab.open();
  expect(await link.ask({ path: '/agent/evidence/checkpoint', body: '{}' })).toMatchObject({
    kind: 'silence',
  });
  const warnings: string[] = [];
  const connected = await lab.connected();
  const socket = join(makeFolder('nobody'), 'socket');
  const courier = startEvidenceCourier({
    link: connected,
    socket,
    errand_ms: 5,
    warn: (message) => warnings.push(message),
  });
  await Bun.sleep(100);
  await courier.stop();
  expect(warnings).toEqual([]);
});

test('on a line that loses, breaks and doubles, with a courier that is ended again and again, every segment is there once and nothing contradicts', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const { log, socket, folder } = await openSite(link.key);
  let count = 0;
  lab.line.fate = () => {
    // The coordinator's clock goes on, so that its rate limit is none here.
    lab.coordinator.wait(2_100);
    count += 1;
    return (['drop', 'pass', 'cut', 'pass', 'twice', 'pass'] as const)[count % 6] ?? 'pass';
  };
  const start = () =>
    startEvidenceCourier({ ...{ link, socket, errand_ms: 20, piece_pause_ms: 1, warn: () => {} } });
  const finished = () => log.custody.list().filter(({ state }) => state !== 'open');
  for (let round = 0; round < 6; round += 1) {
    for (let at = 0; at < 10; at += 1) await log.append([healed(round * 10 + at)]);
    const courier = start();
    const before = lab.line.requests.length;
    // In the middle of its work, at another place each time.
    await until(() => lab.line.requests.length >= before + 1 + round, 60_000);
    await courier.stop();
  }
  const last = start();
  ends.push(() => last.stop());
  // The line may have broken last: then it is quiet for a pause that grows.
  await until(() => {
    link.kick();
    return finished().length > 3 && finished().every(({ state }) => state === 'received');
  }, 60_000);
  expect(await lab.ask('GET', `/api/v1/devices/${link.id}/evidence`)).toMatchObject({
    chains: [{ chain: log.writer.state.chain, trouble: null, segments: finished().length }],
  });
  const coordinator_keys = link.coordinatorKeys().map((key) => Buffer.from(key, 'base64'));
  const device_keys = [link.key.publicKey];
  const verdict = await verifyEvidence(join(folder, 'evidence'), { device_keys, coordinator_keys });
  expect(verdict).toMatchObject({ whole: true });
}, 120_000);
