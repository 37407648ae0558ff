import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { testKey } from '../../base/signing/test-key.ts';
import { evidenceKey } from '../../test/evidence/evidence-key.ts';
import type { JsonObject } from './canonical.ts';
import { ChainCheck, type CheckOptions, type KnownRecords } from './chain-check.ts';
import { ChainState } from './chain-state.ts';
import { type Fault, FaultFound } from './fault.ts';
import { lineHash, NO_RECORD, type RecordContent, sealRecord } from './record.ts';
import { sealStatement } from './statement.ts';
import { CHECKPOINT, COUNTERSIGNATURE, type ExportManifest } from './statements.ts';

const key = evidenceKey();
const coordinator = testKey('coordinator');
const CHAIN = 'c'.repeat(32);
const at = '2026-11-21T20:30:00.000Z';

/** Signed with a key, so that only what is said can be wrong. */
function seal(content: Partial<RecordContent>, signer = key.signer): Uint8Array {
  const record = {
    at,
    body: {},
    chain: CHAIN,
    format: 1 as const,
    kind: 'site.started',
    prev: NO_RECORD,
    seq: 1,
    ...content,
  };
  return Buffer.from(sealRecord(record, signer).line);
}

/** A chain of these bodies behind its first record, and from a place on. */
function chainOf(length: number, { from = [] as Uint8Array[], salt = '' } = {}): Uint8Array[] {
  const start = {
    endorsement: key.endorsement,
    reason: 'test',
    segment: 1,
    succeeds: null,
  } as unknown as JsonObject;
  const lines = from.length > 0 ? [...from] : [seal({ kind: 'chain.started', body: start })];
  while (lines.length < length) {
    const prev = lineHash(lines.at(-1) ?? '');
    lines.push(seal({ seq: lines.length + 1, prev, body: { number: lines.length, salt } }));
  }
  return lines;
}

function judge(
  lines: readonly Uint8Array[],
  options: Partial<CheckOptions> = {},
  manifest: ExportManifest | null = null,
) {
  const check = new ChainCheck({ device_keys: [], coordinator_keys: [], ...options }, manifest);
  try {
    lines.forEach((line, index) => {
      check.feed(line, { file: 'test', line: index + 1 });
    });
    check.finish();
    return null;
  } catch (error) {
    if (error instanceof FaultFound) return error.fault;
    throw error;
  }
}
const lines = chainOf(12);
const fault = (kind: Fault['kind'], seq: number, line: number) =>
  expect.objectContaining({ kind, seq, line, chain: CHAIN });
const without = (index: number) => lines.filter((_, other) => other !== index);

/** By the word of the coordinator. */
const countersignedAt = (seq: number): KnownRecords => {
  const record = {
    hash: lineHash(lines[seq - 1] ?? ''),
    kind: 'checkpoint' as const,
    says: 'the coordinator has countersigned',
  };
  return new Map([[CHAIN, new Map([[seq, record]])]]);
};

test('a whole chain has nothing wrong with it', () => {
  expect(judge(lines)).toBeNull();
  expect(judge(lines, { device_keys: [testKey('device').public_key] })).toBeNull();
});

describe('what is named as the first bad record', () => {
  test('one that was changed', () => {
    const changed = [...lines];
    changed[5] = Buffer.from(
      Buffer.from(lines[5] ?? [])
        .toString()
        .replace('"number":5', '"number":6'),
    );
    expect(judge(changed)).toEqual(fault('changed', 6, 6));
  });

  test('one that is missing', () => {
    expect(judge(without(4))).toEqual(fault('missing', 5, 5));
    expect(judge(without(10))).toEqual(fault('missing', 11, 11));
  });

  test('two that were swapped', () => {
    const [four = new Uint8Array(), five = new Uint8Array()] = [lines[4], lines[5]];
    expect(judge([...lines.slice(0, 4), five, four, ...lines.slice(6)])).toEqual(fault('swapped', 5, 5));
  });

  test('one that stands there twice', () => {
    expect(judge([...lines.slice(0, 6), ...lines.slice(5)])).toEqual(fault('repeated', 6, 7));
  });

  test('the second of two that follow the same one', () => {
    const other = chainOf(12, { from: lines.slice(0, 6), salt: 'other' });
    expect(judge([...lines.slice(0, 8), ...other.slice(6)])).toEqual(fault('fork', 7, 9));
    expect(judge([...lines.slice(0, 8), ...other.slice(8)])).toEqual(fault('fork', 9, 9));
  });

  test('one that another key has signed', () => {
    const prev = lineHash(lines[5] ?? '');
    const forged = seal({ seq: 7, prev }, evidenceKey('another').signer);
    expect(judge([...lines.slice(0, 6), forged])).toEqual(fault('changed', 7, 7));
  });

  test('the first, where nobody to be trusted vouches for the key', () => {
    expect(judge(lines, { device_keys: [testKey('other device').public_key] })).toEqual(fault('key', 1, 1));
    const endorsement = {
      ...key.endorsement,
      signatures: evidenceKey('x', testKey('y')).endorsement.signatures,
    };
    const body = { endorsement, reason: 'test', segment: 1, succeeds: null } as unknown as JsonObject;
    expect(judge([seal({ kind: 'chain.started', body })])).toEqual(fault('key', 1, 1));
  });

  test('the one behind the end, where the list of an export or the coordinator knows of more', () => {
    const last_hash = lineHash(lines[11] ?? '');
    const manifest: ExportManifest = {
      at,
      chains: [{ chain: CHAIN, first_seq: 1, last_hash, last_seq: 12 }],
      endorsement: key.endorsement,
      format: 1,
    };
    expect(judge(lines, {}, manifest)).toBeNull();
    expect(judge(lines.slice(0, 9), {}, manifest)).toEqual(fault('cut', 10, 9));
    const known = countersignedAt(11);
    expect(judge(lines, { known })).toBeNull();
    expect(judge(lines.slice(0, 9), { known })).toEqual(fault('cut', 10, 9));
  });

  test('one that the coordinator has countersigned as another', () => {
    const other = chainOf(12, { from: lines.slice(0, 6), salt: 'other' });
    const known = countersignedAt(9);
    expect(judge(other, { known })).toEqual(fault('checkpoint', 9, 9));
  });

  test('the first, where it begins in the middle and nothing says what became of the rest', () => {
    const state = new ChainState({ chain: CHAIN, seq: 1, prev: NO_RECORD }, key.endorsed);
    state.beginSegment(1);
    for (const line of lines) state.take(lineHash(line), line);
    const before = state.segment();
    const body = { before, endorsement: key.endorsement, segment: 2 } as unknown as JsonObject;
    const start = seal({ kind: 'segment.started', seq: 13, prev: state.head.hash, body });
    expect(judge([...lines, start])).toBeNull();
    expect(judge([start])).toEqual(fault('start', 1, 1));
    expect(judge([start], { partial: true })).toBeNull();
    const retired = { chain: CHAIN, segment: before } as unknown as JsonObject;
    expect(
      judge([start, seal({ kind: 'segment.retired', seq: 14, prev: lineHash(start), body: retired })]),
    ).toBeNull();
    const wrong = { ...body, before: { ...before, sha256: '0'.repeat(64) } } as unknown as JsonObject;
    expect(
      judge([...lines, seal({ kind: 'segment.started', seq: 13, prev: state.head.hash, body: wrong })]),
    ).toEqual(fault('segment', 13, 13));
  });
});

describe('a countersignature in the chain', () => {
  const device = deviceIdOf(testKey('device').public_key);
  const countersigned = (seq: number, hash: string, { signer = coordinator, chain = CHAIN } = {}) => {
    const checkpoint = sealStatement(
      CHECKPOINT,
      { at, chain, format: 1, hash, previous: null, seq, succeeds: null },
      key.signer,
    );
    const countersignature = sealStatement(
      COUNTERSIGNATURE,
      { at, chain, device, format: 1, hash, seq },
      signer,
    );
    const body = { checkpoint, countersignature } as unknown as JsonObject;
    const prev = lineHash(lines[11] ?? '');
    return [...lines, seal({ kind: 'checkpoint.countersigned', seq: 13, prev, body })];
  };
  const right = lineHash(lines[8] ?? '');

  test('is held to the record it is for', () => {
    expect(judge(countersigned(9, right))).toBeNull();
    expect(judge(countersigned(8, right))).toEqual(fault('checkpoint', 13, 13));
    expect(judge(countersigned(9, right, { chain: 'd'.repeat(32) }))).toEqual(fault('checkpoint', 13, 13));
  });

  test('is held to the key of the coordinator, where that is known', () => {
    const options = { coordinator_keys: [coordinator.public_key] };
    expect(judge(countersigned(9, right), options)).toBeNull();
    expect(judge(countersigned(9, right, { signer: testKey('nobody') }), options)).toEqual(
      fault('checkpoint', 13, 13),
    );
  });
});

test('any one byte that is changed is found, and the record that it is in is named', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: lines.length - 1 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (index, place, mask) => {
        const bytes = Buffer.from(lines[index] ?? []);
        const at_byte = place % bytes.length;
        bytes[at_byte] = (bytes[at_byte] ?? 0) ^ mask;
        const changed = lines.map((line, other) => (other === index ? bytes : line));
        const last_hash = lineHash(lines[11] ?? '');
        const manifest: ExportManifest = {
          at,
          chains: [{ chain: CHAIN, first_seq: 1, last_hash, last_seq: 12 }],
          endorsement: key.endorsement,
          format: 1,
        };
        expect(judge(changed, {}, manifest)).toMatchObject({ seq: index + 1, line: index + 1, chain: CHAIN });
      },
    ),
    { numRuns: 300 },
  );
});
