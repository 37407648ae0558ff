import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openStatement } from '../../protocol/evidence/statement.ts';
import { COUNTERSIGNATURE } from '../../protocol/evidence/statements.ts';
import { BACKENDS, openBackends, type Place } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, type Device } from '../../test/coordinator/device.ts';
import { evidenceKey } from '../../test/evidence/evidence-key.ts';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import type { Evidence, EvidenceOptions } from './evidence.ts';
import { readCheckpointFile } from './known-file.ts';
import { verifyEvidence } from './verify.ts';

const backends = openBackends();
const opened: Evidence[] = [];
afterEach(async () => {
  for (const log of opened.splice(0)) await log.stop();
});

describe.each(BACKENDS)('on %s', (backend) => {
  let lab: CoordinatorLab | undefined;
  let place: Place;
  beforeAll(async () => {
    place = await backends.place(backend);
  });
  async function appliance() {
    const { data, url } = place;
    lab ??= await startLab({ data, database_url: url, alarm_interval_ms: 50 });
    const device = await approvedDevice(lab);
    return { lab, device, folder: join(makeFolder('chain'), 'log') };
  }
  async function open(
    device: Device,
    folder: string,
    options: Partial<EvidenceOptions> = {},
  ): Promise<Evidence> {
    const log = await openLog(folder, {
      key: evidenceKey('evidence', device.key),
      roll_bytes: 4096,
      ...options,
    });
    opened.push(log);
    return log;
  }
  const sendCheckpoint = async (device: Device, log: Evidence) => {
    const checkpoint = log.checkpoints.due();
    return {
      checkpoint,
      ...(await device.send('/agent/evidence/checkpoint', {
        checkpoint,
        endorsement: log.options.key.endorsement,
      })),
    };
  };
  async function sendSegment(device: Device, log: Evidence) {
    const due = log.custody.nextUpload();
    if (due === null) throw new Error('no segment is finished');
    const { chain, facts } = due;
    for (let offset_bytes = 0; ; ) {
      const text = Buffer.from(log.custody.piece(chain, facts.segment, offset_bytes)).toString();
      const answer = await device.send('/agent/evidence/segment', { chain, facts, offset_bytes, text });
      if (answer.status !== 200 || answer.body['receipt'] !== null) return { due, ...answer };
      offset_bytes = Number(answer.body['received_bytes']);
    }
  }
  const api = async ({ lab: at, device }: { lab: CoordinatorLab; device: Device }, path = '') =>
    (await at.call('GET', `/api/v1/devices/${device.id}/evidence${path}`, undefined, await at.admin())).body;
  const fill = async (log: Evidence, count: number) => {
    for (let at = 0; at < count; at += 1) await log.append([healed(at)]);
  };

  test('a checkpoint is countersigned once, and its repetition gets the same', async () => {
    const { device, folder, ...at } = await appliance();
    const log = await open(device, folder);
    const { status, body, checkpoint } = await sendCheckpoint(device, log);
    expect(status).toBe(200);
    const list = await api({ ...at, device }, '/checkpoints');
    const keys = (list['coordinator_keys'] as string[]).map((key) => Buffer.from(key, 'base64'));
    expect(openStatement(COUNTERSIGNATURE, body['countersignature'], keys)).toMatchObject(log.head());
    const again = await device.send('/agent/evidence/checkpoint', {
      checkpoint,
      endorsement: log.options.key.endorsement,
    });
    expect(again.body['countersignature']).toEqual(body['countersignature']);
    expect(await api({ ...at, device })).toMatchObject({
      chains: [{ last_seq: 1, trouble: null, segments: 0 }],
    });
  });

  test('a key that another device vouches for, and a checkpoint of another key, are refused', async () => {
    const { device, folder } = await appliance();
    const foreign = await openLog(folder);
    opened.push(foreign);
    expect(await sendCheckpoint(device, foreign)).toMatchObject({
      status: 409,
      body: { error: { code: 'EVIDENCE_REFUSED' } },
    });
    const own = evidenceKey('evidence', device.key);
    const checkpoint = (
      await open(device, `${folder}2`, { key: evidenceKey('other', device.key) })
    ).checkpoints.due();
    const mixed = await device.send('/agent/evidence/checkpoint', {
      checkpoint,
      endorsement: own.endorsement,
    });
    expect(mixed.body.error?.code).toBe('EVIDENCE_REFUSED');
  });

  test('segments come piece by piece, are verified, receipted, and given out again', async () => {
    const { device, folder, ...at } = await appliance();
    const log = await open(device, folder);
    await sendCheckpoint(device, log);
    await fill(log, 30);
    const { status, body, due } = await sendSegment(device, log);
    expect(status).toBe(200);
    const { coordinator_keys } = await api({ ...at, device }, '/checkpoints');
    const keys = (coordinator_keys as string[]).map((key) => Buffer.from(key, 'base64'));
    await log.custody.received(due.chain, due.facts.segment, body['receipt'] as never, keys);
    expect((await sendSegment(device, log)).due.facts.segment).toBe(2);
    // Once more: the same receipt.
    const again = await device.send('/agent/evidence/segment', { ...due, offset_bytes: 0, text: '' });
    expect(again.body['receipt']).toEqual(body['receipt']);
    const headers = { authorization: `Bearer ${await at.lab.admin()}` };
    const address = `${at.lab.url}/api/v1/devices/${device.id}/evidence/chains/${due.chain}`;
    const text = await (await fetch(address, { headers })).text();
    const [first, second] = log.custody.list();
    expect(text).toBe(readFileSync(first?.path ?? '', 'utf8') + readFileSync(second?.path ?? '', 'utf8'));
  });

  test('a segment with a changed byte is refused and starts again; the right one is then taken', async () => {
    const { device, folder } = await appliance();
    const log = await open(device, folder);
    await fill(log, 30);
    const { chain, facts } = log.custody.nextUpload() ?? { chain: '', facts: { segment: 0 } };
    const text = Buffer.from(log.custody.piece(chain, facts.segment, 0)).toString();
    const changed = text.replace('"number":2', '"number":3');
    const answer = await device.send('/agent/evidence/segment', {
      chain,
      facts,
      offset_bytes: 0,
      text: changed,
    });
    expect(answer.body.error).toMatchObject({
      code: 'EVIDENCE_REFUSED',
      message: expect.stringContaining('record 4: changed'),
    });
    expect((await sendSegment(device, log)).status).toBe(200);
  });

  test('a log that was put back to an older state is a fork: refused, marked, and an alarm', async () => {
    const { device, folder, ...at } = await appliance();
    const log = await open(device, folder);
    await fill(log, 2);
    await log.stop();
    cpSync(folder, `${folder}-old`, { recursive: true });
    const later = await open(device, folder);
    await fill(later, 3);
    const { checkpoint } = await sendCheckpoint(device, later);
    expect(checkpoint).not.toBeNull();
    const forks = async () =>
      (await at.lab.call('GET', '/api/v1/alarms?kind=evidence_forked', undefined, await at.lab.admin())).body[
        'alarms'
      ];
    const forked = await open(device, `${folder}-old`);
    await forked.append([healed(77), healed(78), healed(79)]);
    const { body, status } = await sendCheckpoint(device, forked);
    expect({ status, code: body.error?.code }).toEqual({ status: 409, code: 'EVIDENCE_FORKED' });
    expect(await api({ ...at, device })).toMatchObject({
      chains: [{ trouble: expect.stringMatching(/^there are two records 6/) }],
    });
    await expect
      .poll(forks, { timeout: 10_000 })
      .toMatchObject([{ subject: `device:${device.id}`, severity: 'critical' }]);
    // The verifier names the record, from what the coordinator says.
    const told = join(makeFolder('told'), 'checkpoints.json');
    writeFileSync(told, JSON.stringify(await api({ ...at, device }, '/checkpoints')));
    const { known, device_key, coordinator_keys } = readCheckpointFile(told);
    const options = { device_keys: [device_key], coordinator_keys, known };
    expect((await verifyEvidence(folder, options)).whole).toBe(true);
    expect((await verifyEvidence(`${folder}-old`, options)).fault).toMatchObject({
      kind: 'checkpoint',
      seq: 6,
    });
    // Settled it goes on, and the alarm is over; the segments of the older state come beside those of the other.
    const settle = `/api/v1/devices/${device.id}/evidence/chains/${forked.writer.state.chain}/settle`;
    const settled = await at.lab.call('POST', settle, { reason: 'a repair' }, await at.lab.admin());
    expect(settled.status).toBe(204);
    await fill(forked, 40);
    expect((await sendCheckpoint(device, forked)).status).toBe(200);
    expect((await sendSegment(device, forked)).status).toBe(200);
    await expect.poll(forks, { timeout: 10_000 }).toEqual([]);
  });

  test('a chain of another appliance is nobody else to write', async () => {
    const one = await appliance();
    const log = await open(one.device, one.folder);
    await sendCheckpoint(one.device, log);
    await fill(log, 30);
    const other = await approvedDevice(one.lab);
    expect((await sendSegment(other, log)).body.error?.code).toBe('EVIDENCE_REFUSED');
    expect((await sendSegment(one.device, log)).status).toBe(200);
  });
});
