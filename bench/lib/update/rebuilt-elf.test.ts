import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rebuildElf } from './rebuilt-elf.ts';

// Any ELF file of this computer will do; the C library is on every one that can run the tests.
const LIBRARY = readFileSync('/lib/x86_64-linux-gnu/libc.so.6');

function differences(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((count, byte, at) => count + (byte === other[at] ? 0 : 1), 0);
}

test('a rebuilt library has the same length and differs in most of what was moved', () => {
  const rebuilt = rebuildElf(LIBRARY, 3);
  expect(rebuilt.length).toBe(LIBRARY.length);
  expect(differences(rebuilt, LIBRARY)).toBeGreaterThan(LIBRARY.length / 4);
  expect(rebuilt.subarray(0, 64)).toEqual(new Uint8Array(LIBRARY.subarray(0, 64)));
});

test('the same seed gives the same bytes, another seed others, and the original stays as it is', () => {
  const before = Bun.hash(LIBRARY);
  expect(Bun.hash(rebuildElf(LIBRARY, 5))).toBe(Bun.hash(rebuildElf(LIBRARY, 5)));
  expect(Bun.hash(rebuildElf(LIBRARY, 5))).not.toBe(Bun.hash(rebuildElf(LIBRARY, 6)));
  expect(Bun.hash(LIBRARY)).toBe(before);
});

test('what is no ELF file stays as it is', () => {
  const text = new TextEncoder().encode('#!/bin/sh\nexit 0\n'.repeat(50));
  expect(rebuildElf(text, 1)).toEqual(text);
});
