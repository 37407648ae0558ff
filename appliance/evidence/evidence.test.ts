import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { ChainCheck } from '../../protocol/evidence/chain-check.ts';
import { evidenceKey } from '../../test/evidence/evidence-key.ts';
import { healed, openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import type { Evidence, EvidenceOptions } from './evidence.ts';
import { acknowledgedFile } from './recover.ts';
import { listChains, listSegments, readLines } from './segments.ts';

const opened: Evidence[] = [];
afterEach(async () => {
  for (const log of opened.splice(0)) await log.stop();
});
async function open(folder: string, options: Partial<EvidenceOptions> = {}): Promise<Evidence> {
  const log = await openLog(folder, options);
  opened.push(log);
  return log;
}

/** Every line of every chain, verified. */
function verify(folder: string) {
  const check = new ChainCheck({ device_keys: [], coordinator_keys: [] });
  for (const { path } of listChains(folder).flatMap(listSegments)) {
    const { lines, torn } = readLines(path);
    expect(torn).toHaveLength(0);
    lines.forEach((line, at) => {
      check.feed(line, { file: path, line: at + 1 });
    });
  }
  check.finish();
  return check.summaries();
}
const lastSegment = (folder: string) => {
  const last = listChains(folder).flatMap(listSegments).at(-1);
  if (!last) throw new Error('no segment');
  return last;
};

describe('the log', () => {
  test('begins with the key and whose it is, and what is appended follows, signed and chained', async () => {
    const folder = makeFolder('evidence');
    const log = await open(folder);
    expect(log.head().seq).toBe(1);
    expect(await log.append([healed(1), healed(2)])).toEqual({ seq: 3, hash: log.head().hash });
    const [chain] = verify(folder);
    expect(chain).toMatchObject({ first_seq: 1, last_seq: 3, last_hash: log.head().hash });
    const { lines } = readLines(lastSegment(folder).path);
    const [first, second] = lines.map((line) => JSON.parse(Buffer.from(line).toString()));
    expect(first).toMatchObject({
      kind: 'chain.started',
      seq: 1,
      prev: '0'.repeat(64),
      body: { succeeds: null },
    });
    expect(second).toMatchObject({
      kind: 'healing.ended',
      seq: 2,
      at: '2026-11-21T20:30:00.000Z',
      body: healed(1).body,
    });
  });

  test('goes on where it was after a restart', async () => {
    const folder = makeFolder('evidence');
    const first = await open(folder);
    const head = await first.append([healed(1)]);
    await first.stop();
    const second = await open(folder);
    expect(second.head()).toEqual(head);
    await second.append([healed(2)]);
    expect(verify(folder)).toHaveLength(1);
  });

  test('puts what many ask for at one moment on the disk together, each with its own place', async () => {
    const folder = makeFolder('evidence');
    const log = await open(folder);
    const heads = await Promise.all(Array.from({ length: 200 }, (_, at) => log.append([healed(at)])));
    expect(heads.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, at) => at + 2));
    expect(new Set(heads.map(({ hash }) => hash)).size).toBe(200);
    expect(verify(folder)[0]?.last_seq).toBe(201);
  });

  test('has one writer', async () => {
    const folder = makeFolder('evidence');
    await open(folder);
    await expect(openLog(folder, { lock_patience_s: 0 })).rejects.toMatchObject({ code: 'EVIDENCE_LOCKED' });
  });

  test('refuses what it cannot write, and nobody else with it', async () => {
    const log = await open(makeFolder('evidence'));
    const bad = [
      { kind: 'healing.ended' as const, body: { output: 'x'.repeat(20_000) } },
      { kind: 'healing.ended' as const, body: { output: '\ud800' } },
      { kind: 'healing.ended' as const, body: { rate: Number.NaN } },
    ].map((entry) => expect(log.append([entry])).rejects.toMatchObject({ code: 'EVIDENCE_ENTRY_INVALID' }));
    const good = log.append([healed(1)]);
    await Promise.all(bad);
    expect((await good).seq).toBe(2);
  });
});

describe('segments', () => {
  test('roll over at their size, and each names the one before it', async () => {
    const folder = makeFolder('evidence');
    const log = await open(folder, { roll_bytes: 4096 });
    for (let at = 0; at < 40; at += 1) await log.append([healed(at)]);
    const [chain] = listChains(folder);
    expect(chain && listSegments(chain).length).toBeGreaterThan(3);
    expect(verify(folder)).toHaveLength(1);
    await log.stop();
    await (await open(folder, { roll_bytes: 4096 })).append([healed(41)]);
    expect(verify(folder)).toHaveLength(1);
  });
});

describe('after a crash', () => {
  test('a torn end, which was never acknowledged, is cut off', async () => {
    const folder = makeFolder('evidence');
    const first = await open(folder);
    const head = await first.append([healed(1)]);
    await first.stop();
    const { path } = lastSegment(folder);
    appendFileSync(path, readFileSync(path).subarray(-300, -1));
    const warnings: string[] = [];
    const second = await open(folder, { warn: (message) => warnings.push(message) });
    expect(second.head()).toEqual(head);
    expect(warnings).toEqual(['299 bytes of a record that was never acknowledged were cut off']);
    await second.append([healed(2)]);
    expect(verify(folder)).toHaveLength(1);
  });

  test('a segment in which nothing was written yet is as if it had not been begun', async () => {
    const folder = makeFolder('evidence');
    const first = await open(folder);
    const head = await first.append([healed(1)]);
    await first.stop();
    writeFileSync(lastSegment(folder).path.replace('000001', '000002'), '');
    expect((await open(folder)).head()).toEqual(head);
  });

  test('an acknowledged record that is gone is damage: another chain begins and says so', async () => {
    const folder = makeFolder('evidence');
    const first = await open(folder);
    const kept = await first.append([healed(1)]);
    const { path } = lastSegment(folder);
    const size_bytes = readFileSync(path).length;
    await first.append([healed(2)]);
    await first.stop();
    truncateSync(path, size_bytes);
    const before = readFileSync(path);
    const warnings: string[] = [];
    await open(folder, { warn: (message) => warnings.push(message) });
    expect(warnings[0]).toMatch(/cannot go on.*record 3, which was on the disk, is not there/);
    expect(readFileSync(path)).toEqual(before);
    expect(firstOf(folder)).toMatchObject({
      kind: 'chain.started',
      body: { succeeds: { seq: kept.seq, hash: kept.hash } },
    });
  });

  test('a changed byte is damage, too, and stays as it is', async () => {
    const folder = makeFolder('evidence');
    const first = await open(folder);
    await first.append([healed(1), healed(2)]);
    await first.stop();
    const { path } = lastSegment(folder);
    const text = readFileSync(path, 'utf8').replace('"number":1', '"number":7');
    writeFileSync(path, text);
    await open(folder);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(firstOf(folder)).toMatchObject({
      body: { succeeds: { seq: 1 }, reason: expect.stringMatching(/line 2: it is not what/) },
    });
  });

  test('a mark that cannot be read stops nobody', async () => {
    const folder = makeFolder('evidence');
    const first = await open(folder);
    const head = await first.append([healed(1)]);
    await first.stop();
    writeFileSync(acknowledgedFile(folder), 'x');
    expect((await open(folder)).head()).toEqual(head);
  });
});

test('another key begins another chain, which names the end of the one before', async () => {
  const folder = makeFolder('evidence');
  const first = await open(folder);
  const { seq, hash } = await first.append([healed(1)]);
  await first.stop();
  await open(folder, { key: evidenceKey('another') });
  const [before] = verify(folder);
  expect(firstOf(folder)).toMatchObject({ body: { succeeds: { chain: before?.chain, seq, hash } } });
  expect(readdirSync(folder).filter((name) => /^\d/.test(name))).toHaveLength(2);
});

test('a log that cannot be written says once that it has to be opened anew, and takes nothing until then', async () => {
  const folder = makeFolder('evidence');
  const failures: string[] = [];
  const log = await open(folder, { roll_bytes: 1, onFailure: () => failures.push('failed') });
  rmSync(listChains(folder)[0]?.path ?? '', { recursive: true });
  await expect(log.append([healed(1)])).rejects.toThrow();
  await expect(log.append([healed(2)])).rejects.toThrow();
  expect(failures).toEqual(['failed']);
});

describe('a full log', () => {
  test('refuses, and what makes room again has room of its own', async () => {
    const log = await open(makeFolder('evidence'), { max_bytes: 8192, reserve_bytes: 2048 });
    let code = '';
    for (let at = 0; at < 100 && code === ''; at += 1)
      await log.append([healed(at)]).catch((error) => {
        code = error.code;
      });
    expect(code).toBe('EVIDENCE_FULL');
    const { seq } = log.head();
    expect(await log.appendInReserve([{ kind: 'export.made', body: {} }])).toMatchObject({ seq: seq + 1 });
    expect(log.size_bytes()).toBeLessThanOrEqual(8192);
  });
});

/** The first record of the newest chain. */
function firstOf(folder: string): unknown {
  const [segment] = listSegments(listChains(folder).at(-1) ?? { number: 0, chain: '', path: '' });
  return JSON.parse(Buffer.from(readLines(segment?.path ?? '').lines[0] ?? new Uint8Array()).toString());
}
