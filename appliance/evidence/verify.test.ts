import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { testKey } from '../../base/signing/test-key.ts';
import { evidenceKey } from '../../test/evidence/evidence-key.ts';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import type { Evidence } from './evidence.ts';
import { exportBytes, planExport } from './export.ts';
import { verifyEvidence } from './verify.ts';

const FULL = process.env['BULKHEAD_FULL'] === '1';

const NO_TRUST = { device_keys: [], coordinator_keys: [] };
const folder = makeFolder('verify');
const store = join(folder, 'store');
let exported: Buffer;
/** Where each line of the export begins, and whose it is. */
let starts: { at: number; seq: number | null; chain: string | null }[];

async function bytesOf(log: Evidence): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exportBytes(log, planExport(log))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

beforeAll(async () => {
  const first = await openLog(store, { roll_bytes: 2500 });
  for (let at = 0; at < 6; at += 1) await first.append([healed(at)]);
  await first.stop();
  // Two chains: the key has changed.
  const second = await openLog(store, { roll_bytes: 2500, key: evidenceKey('second') });
  for (let at = 0; at < 6; at += 1) await second.append([healed(at)]);
  exported = await bytesOf(second);
  await second.stop();
  let at = 0;
  starts = exported
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { seq = null, chain = null } = JSON.parse(line);
      const start = { at, seq, chain };
      at += Buffer.byteLength(line) + 1;
      return start;
    });
});

let number = 0;
async function judge(bytes: Uint8Array, options: Partial<Parameters<typeof verifyEvidence>[1]> = {}) {
  number += 1;
  const path = join(folder, `${number}.txt`);
  writeFileSync(path, bytes);
  return await verifyEvidence(path, { ...NO_TRUST, ...options });
}
const linesOf = () => exported.toString().trimEnd().split('\n');
const join_ = (lines: readonly string[]) => Buffer.from(`${lines.join('\n')}\n`);

describe('an export', () => {
  test('of two chains in several segments is whole', async () => {
    const { whole, records, chains } = await judge(exported, { device_keys: [testKey('device').public_key] });
    expect({ whole, records }).toEqual({ whole: true, records: linesOf().length - 1 });
    expect(chains).toHaveLength(2);
    expect(linesOf().filter((line) => line.includes('"kind":"segment.started"')).length).toBeGreaterThan(1);
  });

  test('has, whichever byte is changed, one first bad record, which is the one with that byte in it', {
    timeout: FULL ? 600_000 : 90_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: exported.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Buffer.from(exported);
          changed[at] = (changed[at] ?? 0) ^ mask;
          const { whole, fault } = await judge(changed);
          expect(whole).toBe(false);
          const index = starts.findLastIndex((start) => start.at <= at);
          expect(fault?.line).toBe(index + 1);
          const { seq, chain } = starts[index] ?? {};
          if (typeof seq === 'number') expect(fault).toMatchObject({ seq, chain });
        },
      ),
      { numRuns: FULL ? 20_000 : 400 },
    );
  });

  test('names a record that was removed, wherever it was', async () => {
    for (let index = 1; index < starts.length; index += 1) {
      const { whole, fault } = await judge(join_(linesOf().filter((_, other) => other !== index)));
      expect(whole).toBe(false);
      expect(fault).toMatchObject({
        seq: starts[index]?.seq,
        chain: starts[index]?.chain,
      });
    }
  });

  test('names the first of two that were swapped', async () => {
    const lines = linesOf();
    for (let index = 2; index + 2 < lines.length; index += 1) {
      if (starts[index]?.chain !== starts[index + 1]?.chain || starts[index]?.seq === 1) continue;
      const swapped = [...lines];
      [swapped[index], swapped[index + 1]] = [lines[index + 1] ?? '', lines[index] ?? ''];
      expect((await judge(join_(swapped))).fault).toMatchObject({ kind: 'swapped', seq: starts[index]?.seq });
    }
  });

  test('that was cut off says where', async () => {
    const end = starts.at(-1);
    expect((await judge(join_(linesOf().slice(0, -1)))).fault).toMatchObject({ kind: 'cut', seq: end?.seq });
    expect((await judge(exported.subarray(0, -20))).fault).toMatchObject({ kind: 'cut', seq: end?.seq });
    expect((await judge(exported.subarray(0, -1))).fault).toMatchObject({ kind: 'cut', seq: end?.seq });
    expect((await judge(join_(linesOf().slice(0, 1)))).fault).toMatchObject({ kind: 'cut' });
    expect((await judge(new Uint8Array())).fault).toMatchObject({ kind: 'cut' });
  });

  test('of another device, or with another key, is not taken for this one', async () => {
    const other = [testKey('another device').public_key];
    expect((await judge(exported, { device_keys: other })).fault).toMatchObject({
      kind: 'manifest',
      line: 1,
    });
    const [, ...records] = linesOf();
    const bare = join_(records);
    expect((await judge(bare, { device_keys: other })).fault).toMatchObject({ kind: 'key', seq: 1 });
    expect((await judge(exported, { key_ids: ['0'.repeat(32)] })).fault).toMatchObject({
      kind: 'key',
      seq: 1,
    });
    const both = [evidenceKey().signer.key_id, evidenceKey('second').signer.key_id];
    expect((await judge(exported, { key_ids: both })).whole).toBe(true);
  });

  test('whose list was exchanged for that of another is none', async () => {
    const log = await openLog(join(folder, 'third'), { key: evidenceKey('third') });
    const [list = ''] = (await bytesOf(log)).toString().split('\n');
    await log.stop();
    expect((await judge(join_([list, ...linesOf().slice(1)]))).whole).toBe(false);
  });
});

describe('a folder', () => {
  test('that is a copy of the log is whole, and a changed segment in it is named', async () => {
    expect(await verifyEvidence(store, NO_TRUST)).toMatchObject({
      whole: true,
      records: linesOf().length - 1,
    });
    const copy = join(folder, 'copy');
    cpSync(store, copy, { recursive: true });
    const { chain = '' } = starts[1] ?? {};
    const path = join(copy, `0001-${chain}`, '000001.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"number":1', '"number":9'));
    expect((await verifyEvidence(copy, NO_TRUST)).fault).toMatchObject({
      kind: 'changed',
      file: '000001.jsonl',
      line: 3,
      seq: 3,
    });
  });

  test('with two exports that go apart shows the fork', async () => {
    const exports = join(folder, 'exports');
    mkdirSync(exports);
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    const log = await openLog(one);
    await log.append([healed(1), healed(2)]);
    writeFileSync(join(exports, 'january.jsonl'), await bytesOf(log));
    await log.stop();
    cpSync(one, other, { recursive: true });
    const good = await openLog(one);
    await good.append([healed(3), healed(4)]);
    writeFileSync(join(exports, 'february.jsonl'), await bytesOf(good));
    await good.stop();
    expect(await verifyEvidence(exports, NO_TRUST)).toMatchObject({ whole: true });
    const forked = await openLog(other);
    await forked.append([healed(5)]);
    await forked.append([healed(6), healed(7)]);
    writeFileSync(join(exports, 'again.jsonl'), await bytesOf(forked));
    await forked.stop();
    const { fault } = await verifyEvidence(exports, NO_TRUST);
    expect(fault).toMatchObject({ kind: 'fork', file: 'again.jsonl', seq: 5 });
    renameSync(join(exports, 'again.jsonl'), join(folder, 'again.jsonl'));
    expect((await verifyEvidence(exports, NO_TRUST)).whole).toBe(true);
  });

  test('without evidence is not called whole', async () => {
    await expect(verifyEvidence(makeFolder('empty'), NO_TRUST)).rejects.toMatchObject({
      code: 'EVIDENCE_NOTHING_TO_VERIFY',
    });
    await expect(verifyEvidence(join(folder, 'nowhere'), NO_TRUST)).rejects.toMatchObject({
      code: 'EVIDENCE_FILE_UNREADABLE',
    });
  });
});
