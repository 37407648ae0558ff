import {
  appendFileSync,
  existsSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LabMachine, mountExt4, verdictOf } from './lab/machine.ts';
import { appendVerdict, compactJournal, nextVerdictId, readJournal } from './verdict-journal.ts';

let machine: LabMachine;
let path: string;
beforeEach(() => {
  machine = new LabMachine();
  path = machine.paths.verdictJournalFile;
});
afterEach(() => machine.remove());

const ids = async () => (await readJournal(path)).verdicts.map(({ id }) => id.slice(-2));

describe('the journal of verdicts', () => {
  test('gives back what was appended, oldest first, and makes its folder', async () => {
    expect(await readJournal(path)).toEqual({ verdicts: [], damagedLines: 0 });
    await appendVerdict(path, verdictOf(1));
    await appendVerdict(path, verdictOf(2));
    expect(await readJournal(path)).toEqual({ verdicts: [verdictOf(1), verdictOf(2)], damagedLines: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  test('loses at most the last verdict, wherever a power cut tears it, and goes on', async () => {
    await appendVerdict(path, verdictOf(1));
    const whole_bytes = statSync(path).size;
    await appendVerdict(path, verdictOf(2));
    const full = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: whole_bytes, max: full.length }), async (cut_bytes) => {
        writeFileSync(path, full);
        truncateSync(path, cut_bytes);
        const before = await ids();
        expect(before[0]).toBe('-1');
        await appendVerdict(path, verdictOf(3));
        expect(await ids()).toEqual([...before, '-3']);
      }),
      { numRuns: 40 },
    );
  });

  test('skips and counts what is no verdict', async () => {
    await appendVerdict(path, verdictOf(1));
    appendFileSync(path, '{"id":"half\n\0\0\0\0\n{"outcome":"healthy"}\n');
    await appendVerdict(path, verdictOf(2));
    expect(await readJournal(path)).toEqual({ verdicts: [verdictOf(1), verdictOf(2)], damagedLines: 3 });
  });

  test('keeps the newest verdicts and drops the damaged lines once it is too long', async () => {
    for (let number = 1; number <= 7; number += 1) await appendVerdict(path, verdictOf(number));
    expect(await compactJournal(path, 4, 3)).toBe(0);
    appendFileSync(path, 'torn\n');
    expect(await compactJournal(path, 4, 3)).toBe(3);
    expect(await readJournal(path)).toEqual({
      verdicts: [4, 5, 6, 7].map((n) => verdictOf(n)),
      damagedLines: 0,
    });
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  test('never gives an id twice, whatever is in it', () => {
    const bootIds = ['6f9619ff-8b86-4d01-b42d-00cf4fc964ff', '11111111-2222-4333-8444-555555555555'] as const;
    const verdict = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(...bootIds));
    fc.assert(
      fc.property(fc.array(verdict), fc.constantFrom(...bootIds), (numbers, bootId) => {
        const verdicts = numbers.map(([number, boot]) => verdictOf(number, boot));
        const id = nextVerdictId(bootId, verdicts);
        expect(id.startsWith(`${bootId}-`)).toBe(true);
        expect(verdicts.map((verdict) => verdict.id)).not.toContain(id);
      }),
    );
  });
});

describe.skipIf(process.getuid?.() !== 0)('on a disk of its own', () => {
  test('a full disk is an error, what was there stays, and with room again it goes on', async () => {
    const folder = machine.at('small');
    const disk = await mountExt4(folder, { size_bytes: 1024 * 1024, label: 'MSP-DATA' });
    try {
      path = join(folder, 'health/verdicts.jsonl');
      await appendVerdict(path, verdictOf(1));
      const filler = join(folder, 'filler');
      expect(() => {
        for (;;) appendFileSync(filler, Buffer.alloc(4096, 1));
      }).toThrow(/ENOSPC/);
      // What still fits into the last block of the journal may be written; then it is full.
      const long = (number: number) => ({ ...verdictOf(number), reason: 'x'.repeat(3_000) });
      await expect(
        (async () => {
          for (let number = 2; number < 9; number += 1) await appendVerdict(path, long(number));
        })(),
      ).rejects.toMatchObject({ code: 'GATE_JOURNAL_WRITE' });
      const { verdicts, damagedLines } = await readJournal(path);
      expect(verdicts[0]).toEqual(verdictOf(1));
      expect(damagedLines).toBe(0);
      unlinkSync(filler);
      await appendVerdict(path, verdictOf(9));
      expect((await readJournal(path)).verdicts.at(-1)).toEqual(verdictOf(9));
    } finally {
      await disk.unmount();
    }
  });

  test('a disk that turned read-only is an error that says what to look for', async () => {
    const folder = machine.at('read-only');
    const disk = await mountExt4(folder, { size_bytes: 1024 * 1024, label: 'MSP-DATA' });
    try {
      await disk.remount('ro');
      const append = appendVerdict(join(folder, 'verdicts.jsonl'), verdictOf(1));
      await expect(append).rejects.toMatchObject({
        code: 'GATE_JOURNAL_WRITE',
        hint: 'the data partition is full, read-only or damaged',
      });
    } finally {
      await disk.unmount();
    }
  });
});
