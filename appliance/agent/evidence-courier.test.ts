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

test('evidence goes from the site over the link to the coordinator, and what it says comes back into the chain', async () => {
  const lab = await startLinkLab();
  const link = await lab.connected();
  const folder = makeFolder('courier');
  const log = await openLog(join(folder, 'evidence'), {
    ...{ key: evidenceKey('evidence', signerOf(link.key)), roll_bytes: 4096, now: () => new Date() },
  });
  ends.push(() => log.stop());
  const socket = join(folder, 'socket');
  const server = serveControl({
    socket,
    parts: [evidenceControl(log)],
    onFault: (words) => expect.fail(words),
  });
  ends.push(() => server.stop());
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
  const folder = makeFolder('courier');
  // Of another device: the coordinator takes none of it.
  const log = await openLog(join(folder, 'evidence'), { roll_bytes: 4096, now: () => new Date() });
  ends.push(() => log.stop());
  const socket = join(folder, 'socket');
  const server = serveControl({
    socket,
    parts: [evidenceControl(log)],
    onFault: (words) => expect.fail(words),
  });
  ends.push(() => server.stop());
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
