import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { SEQUENCE_BLOCK } from './limits.ts';
import { openSequence } from './sequence.ts';

const noWarning = (message: string) => {
  throw new Error(message);
};

test('no number is used twice and each is above the one before, whenever the process ends', () => {
  const folder = makeFolder('sequence');
  let run = 0;
  fc.assert(
    fc.property(
      fc.array(
        fc.array(fc.oneof(fc.constant('next'), fc.integer({ min: 0, max: 5_000 })), { maxLength: 20 }),
        { maxLength: 6 },
      ),
      (processes) => {
        run += 1;
        const file = join(folder, `sequence-${run}`);
        let last = 0;
        for (const steps of processes) {
          const sequence = openSequence(file, noWarning);
          for (const step of steps) {
            if (typeof step === 'number') sequence.above(step);
            const next = sequence.next();
            expect(next).toBeGreaterThan(last);
            last = next;
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('writes to the disk once for many numbers', () => {
  const file = join(makeFolder('sequence'), 'sequence');
  const sequence = openSequence(file, noWarning);
  for (let count = 1; count <= SEQUENCE_BLOCK; count += 1) expect(sequence.next()).toBe(count);
  expect(readFileSync(file, 'latin1')).toBe(`${SEQUENCE_BLOCK}\n`);
  expect(openSequence(file, noWarning).next()).toBe(SEQUENCE_BLOCK + 1);
});

test('goes on above what the coordinator has seen, but not where no number would be left', () => {
  const sequence = openSequence(null, noWarning);
  sequence.above(77);
  expect(sequence.next()).toBe(78);
  sequence.above(5);
  expect(sequence.next()).toBe(79);
  sequence.above(Number.MAX_SAFE_INTEGER);
  expect(sequence.next()).toBe(80);
});

test('counts on where nothing can be read or written, and says so', () => {
  const folder = makeFolder('sequence');
  const words: string[] = [];
  writeFileSync(join(folder, 'damaged'), 'seven\n');
  expect(openSequence(join(folder, 'damaged'), (word) => words.push(word)).next()).toBe(1);
  expect(words).toEqual([expect.stringContaining('holds no number')]);
  mkdirSync(join(folder, 'a-folder'));
  const sequence = openSequence(join(folder, 'a-folder'), (word) => words.push(word));
  expect([sequence.next(), sequence.next()]).toEqual([1, 2]);
  expect(words.length).toBeGreaterThan(1);
});
