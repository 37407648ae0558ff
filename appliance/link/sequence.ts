import { readFileSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { describeError } from '../../base/errors.ts';
import { SEQUENCE_BLOCK, SEQUENCE_FILE_MAX_BYTES } from './limits.ts';

/** Numbers the requests of this appliance; the coordinator takes each number once. */
export interface Sequence {
  /** Higher than any before, restarts included where there is a place to remember. */
  next(): number;
  /** The coordinator has seen this one: go on above it. */
  above(last: number): void;
}

/**
 * @param file where a block of numbers is reserved before its first is used; null where nothing can be kept: then numbers start
 *   anew with each start, and the coordinator's refusal tells where to go on
 * @param warn told when nothing can be written; counting goes on, because a refused request is better than none
 */
export function openSequence(file: string | null, warn: (message: string) => void): Sequence {
  let last = file === null ? 0 : readReserved(file, warn);
  let reserved = last;
  const reserve = () => {
    reserved = last - 1 + SEQUENCE_BLOCK;
    if (file === null) return;
    try {
      writeFileAtomic(file, `${reserved}\n`, 0o600);
    } catch (error) {
      warn(`the sequence of requests cannot be kept: ${describeError(error)}`);
    }
  };
  return {
    next() {
      last += 1;
      if (last > reserved) reserve();
      return last;
    },
    above(seen) {
      // At the very end there would be none left above it, for ever.
      if (Number.isSafeInteger(seen + SEQUENCE_BLOCK)) last = Math.max(last, seen);
    },
  };
}

function readReserved(file: string, warn: (message: string) => void): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return 0;
  try {
    const text = stat.size <= SEQUENCE_FILE_MAX_BYTES ? readFileSync(file, 'latin1') : '';
    const number = /^\d{1,16}\n$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    warn(`${file} holds no number; the coordinator will tell where to go on`);
  } catch (error) {
    warn(`the sequence of requests cannot be read: ${describeError(error)}`);
  }
  return 0;
}
