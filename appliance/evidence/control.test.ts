import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { testKey } from '../../base/signing/test-key.ts';
import { openStatement, peekStatement, sealStatement } from '../../protocol/evidence/statement.ts';
import {
  CHECKPOINT,
  COUNTERSIGNATURE,
  SEGMENT_RECEIPT,
  type SegmentFacts,
} from '../../protocol/evidence/statements.ts';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { heard } from '../../test/unit/heard.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { runProgram } from '../program.ts';
import { askSite, callSite } from '../site/control/client.ts';
import { serveControl } from '../site/control/server.ts';
import { type EvidenceErrand, type EvidenceStatus, evidenceControl } from './control.ts';
import type { EvidenceOptions } from './evidence.ts';
import { CHECKPOINT_INTERVAL_MS, QUARANTINE_RETRY_MS } from './limits.ts';
import { listChains, listSegments } from './segments.ts';
import { verifyEvidence } from './verify.ts';

const coordinator = testKey('coordinator');
const coordinator_keys = [Buffer.from(coordinator.public_key).toString('base64')];
const device = deviceIdOf(testKey('device').public_key);
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A log behind its socket, with small segments. */
async function serve(options: Partial<EvidenceOptions> = {}) {
  const folder = makeFolder('evidence-control');
  const clock = { now_ms: Date.parse('2026-11-21T20:30:00Z') };
  const log = await openLog(join(folder, 'evidence'), {
    roll_bytes: 4096,
    now: () => new Date(clock.now_ms),
    ...options,
  });
  const socket = join(folder, 'socket');
  const server = serveControl({
    socket,
    parts: [evidenceControl(log)],
    onFault: (words) => expect.fail(words),
  });
  ends.push(
    () => log.stop(),
    () => server.stop(),
  );
  const ask = (path: string, body?: unknown) =>
    callSite(`/v1/evidence${path}`, { socket, ...(body === undefined ? {} : { method: 'POST', body }) });
  const status = async () => (await ask('')) as EvidenceStatus;
  const errand = async () => (await ask('/errand')) as EvidenceErrand;
  const fill = async (count: number) => {
    for (let at = 0; at < count; at += 1) await log.append([healed(at)]);
  };
  const run = (...args: string[]) => {
    const words = ['evidence', ...args, ...(args[0] === 'verify' ? [] : ['--socket', socket])];
    return heard((io) => runProgram(words, io));
  };
  return { folder, log, socket, clock, ask, status, errand, fill, run };
}
type Served = Awaited<ReturnType<typeof serve>>;
const at = '2026-11-21T21:00:00.000Z';

/** What the coordinator says to a checkpoint. */
function countersign({ checkpoint }: NonNullable<EvidenceErrand['checkpoint']>, signer = coordinator) {
  const { chain, seq, hash } = peekStatement(CHECKPOINT, checkpoint);
  const countersignature = sealStatement(
    COUNTERSIGNATURE,
    { at, chain, device, format: 1, hash, seq },
    signer,
  );
  return { checkpoint, countersignature, coordinator_keys };
}
async function dueCheckpoint({ errand }: Served) {
  const { checkpoint } = await errand();
  if (checkpoint === null) throw new Error('none is due');
  return checkpoint;
}
const receiptFor = (chain: string, segment: SegmentFacts) => ({
  receipt: sealStatement(SEGMENT_RECEIPT, { at, chain, device, format: 1, segment }, coordinator),
  ...{ chain, segment: segment.segment, coordinator_keys },
});

describe('a checkpoint', () => {
  test('is due at once, countersigned goes on record, and the next is due when something new has waited', async () => {
    const site = await serve();
    await site.fill(3);
    const due = await dueCheckpoint(site);
    const stated = openStatement(CHECKPOINT, due.checkpoint, [site.log.options.key.endorsed.public_key]);
    expect(stated).toMatchObject({ ...site.log.head(), previous: null, succeeds: null });
    await site.ask('/countersigned', countersign(due));
    expect((await site.status()).countersigned).toMatchObject({ seq: 4 });
    site.clock.now_ms += 2 * CHECKPOINT_INTERVAL_MS;
    // Its own record is no news.
    expect((await site.errand()).checkpoint).toBeNull();
    await site.fill(1);
    const next = peekStatement(CHECKPOINT, (await dueCheckpoint(site)).checkpoint);
    expect(next).toMatchObject({ ...site.log.head(), previous: { seq: 4, hash: stated.hash } });
    const verdict = await verifyEvidence(join(site.folder, 'evidence'), {
      ...{ device_keys: [testKey('device').public_key], coordinator_keys: [coordinator.public_key] },
    });
    expect(verdict).toMatchObject({ whole: true, chains: [{ countersigned: { seq: 4, at } }] });
  });

  test('is not taken back from anybody but the coordinator, nor for another record', async () => {
    const site = await serve();
    const due = await dueCheckpoint(site);
    await expect(site.ask('/countersigned', countersign(due, testKey('nobody')))).rejects.toMatchObject({
      code: 'EVIDENCE_STATEMENT_INVALID',
    });
    await site.fill(1);
    const { countersignature } = countersign(await dueCheckpoint(site));
    await expect(site.ask('/countersigned', { ...countersign(due), countersignature })).rejects.toMatchObject(
      { code: 'EVIDENCE_CHECKPOINT_UNKNOWN' },
    );
    expect((await site.status()).countersigned).toBeNull();
  });
});

describe('a finished segment', () => {
  const next = async (site: Served) => {
    const { segment } = await site.errand();
    if (segment === null) throw new Error('nothing is offered');
    return segment;
  };

  test('is handed over in pieces of whole lines, and offered until there is a receipt for exactly it', async () => {
    const site = await serve();
    await site.fill(20);
    const { chain, facts } = await next(site);
    const pieces: Buffer[] = [];
    for (let size = 0; size < facts.size_bytes; size = Buffer.concat(pieces).length) {
      const query = `chain=${chain}&segment=${facts.segment}&offset_bytes=${size}`;
      pieces.push(
        Buffer.from(
          await (await askSite(`/v1/evidence/piece?${query}`, { socket: site.socket })).arrayBuffer(),
        ),
      );
    }
    const bytes = Buffer.concat(pieces);
    expect(bytes.length).toBe(facts.size_bytes);
    expect(new Bun.CryptoHasher('sha256').update(bytes).digest('hex')).toBe(facts.sha256);
    const wrong = receiptFor(chain, { ...facts, records: facts.records + 1 });
    await expect(site.ask('/received', wrong)).rejects.toMatchObject({ code: 'EVIDENCE_RECEIPT_WRONG' });
    await site.ask('/received', receiptFor(chain, facts));
    expect((await next(site)).facts.segment).toBe(facts.segment + 1);
    expect((await site.status()).segments[0]?.state).toBe('received');
  });

  test('that is refused stays, is shown, and offered again later; the others go on meanwhile', async () => {
    const site = await serve();
    await site.fill(20);
    const { chain, facts } = await next(site);
    await site.ask('/refused', {
      chain,
      segment: facts.segment,
      code: 'EVIDENCE_SEGMENT_WRONG',
      message: 'no',
    });
    expect((await next(site)).facts.segment).toBe(facts.segment + 1);
    expect((await site.status()).segments[0]).toMatchObject({ state: 'quarantined', refused: { times: 1 } });
    expect((await site.run('status')).out).toContain('quarantined: 1 of');
    site.clock.now_ms += QUARANTINE_RETRY_MS;
    expect((await next(site)).facts.segment).toBe(facts.segment);
  });

  test('goes only when room is needed and somebody else keeps it, and the chain proves what it was', async () => {
    const site = await serve({ max_bytes: 40_000, reserve_bytes: 4_000 });
    await site.fill(20);
    const first = await next(site);
    await site.ask('/received', receiptFor(first.chain, first.facts));
    // There is room: nothing goes.
    expect((await site.status()).segments[0]?.segment).toBe(1);
    const full = await site.fill(200).catch((error) => error.code);
    expect(full).toBe('EVIDENCE_FULL');
    expect((await site.status()).segments.length).toBeGreaterThan(3);
    const second = await next(site);
    await site.ask('/received', receiptFor(second.chain, second.facts));
    const { segments } = await site.status();
    expect(segments[0]?.segment).toBe(3);
    await site.fill(1);
    const [record] = (
      (await site.ask('/records?kind=segment.retired&limit=1')) as { records: { body: object }[] }
    ).records;
    expect(record?.body).toMatchObject({ segment: second.facts, receipt: { keys: coordinator_keys } });
    expect(
      await verifyEvidence(join(site.folder, 'evidence'), { device_keys: [], coordinator_keys: [] }),
    ).toMatchObject({
      ...{ whole: true, chains: [{ first_seq: second.facts.last_seq + 1 }] },
    });
  });

  test('that was received while there was room goes later, when room is needed and nobody can be reached', async () => {
    const site = await serve({ max_bytes: 40_000, reserve_bytes: 4_000 });
    await site.fill(25);
    for (const _ of [1, 2]) {
      const { chain, facts } = await next(site);
      await site.ask('/received', receiptFor(chain, facts));
    }
    expect((await site.status()).segments[0]?.segment).toBe(1);
    await site.fill(60).catch(() => {});
    expect((await site.status()).segments[0]?.segment).toBe(3);
  });

  test('is not offered as whole when it is damaged, and never goes', async () => {
    const site = await serve({ max_bytes: 40_000, reserve_bytes: 4_000 });
    await site.fill(20);
    const [segment] = listChains(join(site.folder, 'evidence')).flatMap(listSegments);
    if (!segment) throw new Error('none');
    writeFileSync(segment.path, readFileSync(segment.path, 'utf8').replace('"number":1', '"number":2'));
    expect((await next(site)).facts.segment).toBe(2);
    expect((await site.status()).segments[0]).toMatchObject({ segment: 1, state: 'damaged' });
    await site.log.custody.exported([{ chain: segment.chain, last_seq: 1_000 }], 'a'.repeat(64));
    await site.fill(200).catch(() => {});
    await site.log.custody.retire();
    expect(existsSync(segment.path)).toBe(true);
    expect((await site.status()).segments[1]?.segment).toBe(2);
  });
});

describe('the command', () => {
  test('exports what is there, verifies it, and puts it on record', async () => {
    const site = await serve();
    await site.fill(20);
    const file = join(site.folder, 'export.jsonl');
    const { seq } = site.log.head();
    expect((await site.run('export', file, '--keep')).out).toContain(`records 1 to ${seq}`);
    expect(site.log.head().seq).toBe(seq + 1);
    expect((await site.status()).segments[0]?.state).toBe('exported');
    expect((await site.run('export', file)).err).toContain('EVIDENCE_EXPORT_EXISTS');
    const [made] = JSON.parse((await site.run('list', '--kind', 'export', '--json')).out);
    expect(made).toMatchObject({ kind: 'export.made', body: { kept: true, chains: [{ last_seq: seq }] } });
    const good = await site.run('verify', file);
    expect(good).toMatchObject({ code: 0, out: expect.stringMatching(/^whole: \d+ records\n/) });
    writeFileSync(file, readFileSync(file, 'utf8').replace('"number":5', '"number":6'));
    const bad = await site.run('verify', file);
    expect(bad.code).toBe(2);
    expect(bad.out).toMatch(
      /^NOT WHOLE\nfirst bad record: record 7 of chain [0-9a-f]{32}\nwhere: export.jsonl, line 8\nwhat: changed: /,
    );
    expect(JSON.parse((await site.run('verify', file, '--json')).out)).toMatchObject({
      whole: false,
      fault: { seq: 7 },
    });
    expect(await site.run('verify', join(site.folder, 'nothing'))).toMatchObject({ code: 1, out: '' });
  });

  test('holds an export to what the coordinator has countersigned', async () => {
    const site = await serve();
    await site.fill(5);
    const due = await dueCheckpoint(site);
    const { countersignature } = countersign(due);
    const told = join(site.folder, 'checkpoints.json');
    const device_key = Buffer.from(testKey('device').public_key).toString('base64');
    writeFileSync(
      told,
      JSON.stringify({ device_key, coordinator_keys, countersignatures: [countersignature] }),
    );
    const file = join(site.folder, 'export.jsonl');
    await site.run('export', file);
    expect((await site.run('verify', file, '--checkpoints', told)).code).toBe(0);
    const { chain, seq } = peekStatement(COUNTERSIGNATURE, countersignature);
    const wrong = sealStatement(
      COUNTERSIGNATURE,
      { at, chain, device, format: 1, hash: '0'.repeat(64), seq },
      coordinator,
    );
    writeFileSync(told, JSON.stringify({ device_key, coordinator_keys, countersignatures: [wrong] }));
    const verdict = await site.run('verify', file, '--checkpoints', told, '--json');
    expect(JSON.parse(verdict.out)).toMatchObject({
      fault: { kind: 'checkpoint', seq, chain },
      trust: { device: true },
    });
  });
});
