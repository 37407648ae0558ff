import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BitReader, BitWriter } from './bit-coder.ts';
import { NumberModel } from './number-model.ts';

const Bits = fc.array(fc.tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 0, max: 1 })), {
  maxLength: 3000,
});

test('any bits at any chances come back, and nothing is left over', () => {
  fc.assert(
    fc.property(Bits, (bits) => {
      const writer = new BitWriter();
      for (const [chance, bit] of bits) writer.code(chance, bit);
      const reader = new BitReader(writer.finish());
      expect(bits.map(([chance]) => reader.code(chance, 0))).toEqual(bits.map(([, bit]) => bit));
      expect(reader.finished).toBe(true);
    }),
    { seed: 1 },
  );
});

test('bits cost what their chances say', () => {
  const writer = new BitWriter();
  for (let count = 0; count < 80_000; count += 1)
    writer.code(count % 100 === 0 ? 655 : 64_880, count % 100 === 0 ? 1 : 1);
  // 1 in 100 at 6.64 bits, the rest at 0.0145.
  expect(writer.finish().length).toBeGreaterThan(780);
  expect(writer.finish().length).toBeLessThan(850);
});

test('reading on and on after the end is an error and not endless zeros', () => {
  const reader = new BitReader(Uint8Array.of(1, 2, 3));
  expect(() => {
    for (let count = 0; count < 100; count += 1) reader.code(32_768, 0);
  }).toThrow('ends in the middle');
});

test('numbers of any size come back', () => {
  const edges = [
    0,
    1,
    2,
    3,
    4,
    255,
    256,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 2,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 52 - 2,
  ];
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...edges), fc.nat(2 ** 20)), { maxLength: 200 }),
      (values) => {
        const writer = new BitWriter();
        const out = new NumberModel(2);
        for (const [place, value] of values.entries()) out.code(writer, place % 2, value);
        const reader = new BitReader(writer.finish());
        const back = new NumberModel(2);
        expect(values.map((_, place) => back.code(reader, place % 2, 0))).toEqual(values);
      },
    ),
    { seed: 2 },
  );
});
