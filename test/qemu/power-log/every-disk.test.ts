import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitBoot } from '../../../partitions/boot-machine-linux.ts';
import {
  type BootState,
  initialState,
  parseBootState,
  serialiseBootState,
} from '../../../partitions/boot-state.ts';
import { parseEnvBlock } from '../../../partitions/env-block.ts';
import { SLOTS, type Slot } from '../../../partitions/slot.ts';
import { footerOffset } from '../../../partitions/slot-blob.ts';
import { judgeDisk, type SlotView } from './disk-verdict.ts';
import { type HandEntry, type HandWrite, type Lab, makeLab, serialiseLog } from './lab.ts';
import { judgePowerCuts } from './power-judge.ts';
import { WriteLog } from './write-log.ts';

/**
 * The fast judge keeps counts; here each disk is made and looked at as a whole, by another way, and the two have to agree in
 * every verdict on random logs with overlaps, tears, flushes and forced writes.
 */

const STATE: BootState = { ...commitBoot(initialState('A'), 'A'), good: { A: true, B: true } };
let lab: Lab;
beforeAll(async () => {
  lab = await makeLab(STATE);
});
afterAll(() => lab.remove());

/** Places where it matters, and contents of which some are right. */
function randomWrite(): fc.Arbitrary<HandWrite> {
  const target = lab.shape.slots.B.start_bytes;
  const piece = fc
    .tuple(
      fc.constantFrom(...(['old', 'new', 'running'] as const)),
      fc.oneof(
        fc.constantFrom(0, 1, 2),
        fc.integer({ min: 0, max: 8 * 47 }),
        fc.constantFrom(8 * 41, 8 * 42),
      ),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom<Slot>('A', 'B', 'B', 'B'),
    )
    .map(([name, sector, sectors, slot]) => ({
      offset_bytes: lab.shape.slots[slot].start_bytes + sector * 512,
      bytes: lab.blobs[name].slice(sector * 512, (sector + sectors) * 512),
    }))
    .filter(({ bytes }) => bytes.length > 0);
  const whole = fc.constantFrom(...(['old', 'new'] as const)).map((name) => ({
    offset_bytes: target,
    bytes: lab.blobs[name].slice(),
  }));
  const state = fc
    .record({
      trial: fc.constantFrom<Slot | null>('B', null),
      attempts: fc.constantFrom<BootState['attempts']>(0, 1, 3, 4),
      good: fc.record({ A: fc.constant(true), B: fc.boolean() }),
    })
    .map((change) => ({
      offset_bytes: lab.shape.state_at_bytes,
      bytes: serialiseBootState({ ...STATE, ...change }),
    }));
  return fc.oneof(piece, piece, whole, state);
}

/** A slot as GRUB sees it, by really hashing, and by comparing all bytes. */
function viewOf(disk: Uint8Array, slot: Slot): SlotView {
  const { start_bytes, end_bytes } = lab.shape.slots[slot];
  const part = disk.subarray(start_bytes, end_bytes);
  const complete = lab.releases.find(({ name }) => {
    const blob = lab.blobs[name as keyof Lab['blobs']];
    return Buffer.compare(part.subarray(0, blob.length), blob) === 0;
  })?.name;
  return { whole: isWhole(part), complete };
}

function isWhole(part: Uint8Array): boolean {
  const footer = footerOffset(part.subarray(0, 512));
  if (footer === undefined) return false;
  const names = parseEnvBlock(part.subarray(footer, footer + 1024));
  if (!names?.['slot_kernel'] || !names['slot_initrd'] || !names['slot_verity']) return false;
  const list = Buffer.from(part.subarray(footer + 1024, footer + 1536)).toString('latin1');
  const lines = [...list.matchAll(/([0-9a-f]{64}) {2}(\d+)\+(\d+)\n/g)];
  const agrees = ([, digest, start, count]: RegExpMatchArray) => {
    const from = Number(start) * 512;
    const run = part.subarray(from, from + Number(count) * 512);
    return createHash('sha256').update(run).digest('hex') === digest;
  };
  return lines.length === 2 && lines.every(agrees);
}

function faultsOf(disk: Uint8Array): number {
  const { state_at_bytes } = lab.shape;
  const state = parseBootState(disk.subarray(state_at_bytes, state_at_bytes + 512));
  const [a, b] = SLOTS.map((slot) => viewOf(disk, slot));
  return a && b ? judgeDisk(state, { A: a, B: b }).faults.length : -1;
}

/** All disks of a log, each made for itself. Returns how many there are and how many faults they have. */
function makeEveryDisk(base: Uint8Array, entries: readonly HandEntry[]) {
  const disk = base.slice();
  let pending: HandWrite[] = [];
  const tally = { disks: 0, faults: faultsOf(disk) };
  const look = (writes: readonly HandWrite[]) => {
    const undo = writes.map(({ offset_bytes, bytes }) => {
      const before = disk.slice(offset_bytes, offset_bytes + bytes.length);
      disk.set(bytes, offset_bytes);
      return { offset_bytes, before };
    });
    tally.disks += 1;
    tally.faults += faultsOf(disk);
    for (const { offset_bytes, before } of undo.reverse()) disk.set(before, offset_bytes);
  };
  for (const entry of entries) {
    if (entry === 'flush') {
      for (const { offset_bytes, bytes } of pending) disk.set(bytes, offset_bytes);
      pending = [];
      look([]);
      continue;
    }
    const both = pending.length > 0 && !pending.some(({ fua }) => fua);
    for (const before of both ? [pending, []] : [pending]) {
      for (let kept = 512; kept < entry.bytes.length; kept += 512)
        look([...before, { ...entry, bytes: entry.bytes.subarray(0, kept) }]);
    }
    pending.push(entry);
    look(pending);
    for (let subset = 0; subset < 2 ** pending.length; subset += 1) {
      const isKept = (at: number) => ((subset >> at) & 1) === 1;
      const lost = pending.filter((_, at) => !isKept(at));
      if (lost.length === 0 || !isKept(pending.length - 1) || lost.some(({ fua }) => fua)) continue;
      look(pending.filter((_, at) => isKept(at)));
    }
  }
  return tally;
}

test('the fast judge finds in random logs what looking at every disk finds, fault by fault', () => {
  const base = Uint8Array.from(readFileSync(lab.disk));
  const path = join(lab.folder, 'random.log');
  const write = fc
    .tuple(randomWrite(), fc.boolean())
    .map(([one, fua]): HandEntry => ({ ...one, fua: fua && one.bytes.length === 512 }));
  const entries = fc.array(
    fc.oneof({ weight: 3, arbitrary: write }, { weight: 1, arbitrary: fc.constant<HandEntry>('flush') }),
    {
      minLength: 1,
      maxLength: 7,
    },
  );
  let disks = 0;
  fc.assert(
    fc.property(entries, (log) => {
      const slow = makeEveryDisk(base, log);
      const fast = judge(path, log);
      disks += slow.disks;
      expect({ disks: fast.disks, faults: fast.faults }).toEqual(slow);
    }),
    { numRuns: 25 },
  );
  expect(disks).toBeGreaterThan(1000);
});

function judge(path: string, entries: readonly HandEntry[]) {
  writeFileSync(path, serialiseLog(entries));
  const log = new WriteLog(path);
  const { judged, faultCount } = judgePowerCuts(log, lab.disk, lab.shape, lab.releases, () => 0.5);
  log.close();
  return { disks: judged.prefixes + judged.torn + judged.subsets, faults: faultCount };
}
