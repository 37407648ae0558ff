import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { armTrial, commitBoot, discardSlot } from '../../../partitions/boot-machine-linux.ts';
import { type BootState, initialState } from '../../../partitions/boot-state.ts';
import { type HandEntry, type Lab, makeLab, serialiseLog, updateSteps } from './lab.ts';
import { judgePowerCuts, type PowerJudgement } from './power-judge.ts';
import { WriteLog } from './write-log.ts';

const BOTH_GOOD: BootState = { ...commitBoot(initialState('A'), 'A'), good: { A: true, B: true } };
const DISCARDED = discardSlot(BOTH_GOOD, 'B', 'A');
const ARMED = armTrial(DISCARDED, 'B', 'A');
const COUNTED: BootState = { ...ARMED, attempts: 1 };
const COMMITTED = commitBoot(COUNTED, 'B');

let lab: Lab;
beforeAll(async () => {
  lab = await makeLab(BOTH_GOOD);
});
afterAll(() => lab.remove());

function judge(entries: readonly HandEntry[]): PowerJudgement {
  const folder = mkdtempSync(join(lab.folder, 'log-'));
  const path = join(folder, 'log');
  writeFileSync(path, serialiseLog(entries));
  const log = new WriteLog(path);
  try {
    return judgePowerCuts(log, lab.disk, lab.shape, lab.releases, () => 0.5);
  } finally {
    log.close();
    rmSync(folder, { recursive: true });
  }
}

const steps = () => updateSteps(lab);
/** Everything in the right order. */
const before = () => [...steps().state(DISCARDED), ...steps().clearHeader];
const written = () => [
  ...before(),
  ...steps().body,
  ...steps().end,
  ...steps().firstBlockWithoutHeader,
  ...steps().firstBlock,
];
const after = () => [...steps().state(ARMED), ...steps().state(COUNTED), ...steps().state(COMMITTED)];
const without = (entries: readonly HandEntry[], at: number) => entries.filter((_, index) => index !== at);

describe('an update in the right order', () => {
  test('survives every power cut', () => {
    const { judged, faults, faultCount, withoutState, prefixes } = judge([...written(), ...after()]);
    expect(faults).toEqual([]);
    expect(faultCount).toBe(0);
    expect(withoutState).toBe(0);
    expect(judged.prefixes).toBe(prefixes.length);
    expect(prefixes.at(-1)).toMatchObject({
      state: COMMITTED,
      slots: { A: { whole: true, complete: 'running' }, B: { whole: true, complete: 'new' } },
    });
    // Every sector of every write but the last of each.
    const sectors = lab.blobs.new.length / 512 + 8 + 8;
    const writes = prefixes.filter(({ place }) => place !== null).length;
    expect(judged.torn).toBe(sectors + 4 - writes);
  });

  test('survives it with writes that are not flushed one by one, as long as the steps are', () => {
    const unflushed = steps().body.filter((entry) => entry !== 'flush');
    const { faults, judged } = judge([
      ...before(),
      ...unflushed,
      ...steps().end,
      ...steps().firstBlockWithoutHeader,
      ...steps().firstBlock,
      ...after(),
    ]);
    expect(faults).toEqual([]);
    expect(judged.subsets).toBeGreaterThan(10);
  });
});

describe('a planted fault is found:', () => {
  const found = (entries: readonly HandEntry[]) => judge(entries).faults;

  test('the slot is armed before it is complete', () => {
    const faults = found([
      ...before(),
      ...steps().body,
      ...steps().end,
      ...steps().state(ARMED),
      ...steps().firstBlock,
    ]);
    expect(faults[0]).toMatchObject({
      way: 'prefix',
      what: 'slot B is on trial and holds no complete release',
    });
  });

  test('the slot is complete but not flushed when it is armed', () => {
    const unflushed = without(written(), written().length - 1);
    const faults = found([...unflushed, ...after()]);
    expect(faults.length).toBeGreaterThan(0);
    // No prefix shows it: only a disk that keeps the later write and loses the earlier one does.
    expect(new Set(faults.map(({ way }) => way))).toEqual(new Set(['subset']));
  });

  test('the slot stays marked good while it is overwritten', () => {
    const faults = found([...steps().clearHeader, ...steps().body]);
    expect(faults[0]?.what).toContain('slot B is marked good and holds no complete release');
  });

  test('the mark is taken away, but not flushed before the header goes', () => {
    const [mark] = steps().state(DISCARDED);
    const faults = found([...(mark ? [mark] : []), ...steps().clearHeader]);
    expect(new Set(faults.map(({ way }) => way))).toEqual(new Set(['torn', 'subset']));
  });

  test('the header is not cleared before what lies behind kernel and initrd is overwritten', () => {
    const faults = found([...steps().state(DISCARDED), ...steps().body.slice(2)]);
    expect(faults.some(({ what }) => what.includes('GRUB starts slot B (rescue'))).toBe(true);
  });

  test('the header comes first instead of last', () => {
    const faults = found([...before(), ...steps().firstBlock, ...steps().body, ...steps().end, ...after()]);
    expect(faults.length).toBeGreaterThan(0);
  });

  test('the header comes last, but in one write with what stands beside it: torn, it is all that is there', () => {
    const faults = found([...before(), ...steps().body, ...steps().end, ...steps().firstBlock]);
    expect(new Set(faults.map(({ way }) => way))).toEqual(new Set(['torn']));
    expect(faults[0]?.what).toMatch(/^1 of 8 sectors kept: GRUB starts slot B \(rescue/);
  });

  test('something else on the ESP is written', () => {
    const elsewhere = { offset_bytes: lab.shape.esp.start_bytes, bytes: new Uint8Array(512) };
    expect(found([elsewhere])).toMatchObject([{ way: 'place', entry: 0 }]);
  });

  test('the partition table is written', () => {
    expect(found([{ offset_bytes: 512, bytes: new Uint8Array(512) }])).toMatchObject([{ way: 'place' }]);
  });

  test('a sector of the slot that runs is written', () => {
    const inside = { offset_bytes: lab.shape.slots.A.start_bytes + 20 * 4096, bytes: new Uint8Array(512) };
    expect(found([inside])[0]?.what).toContain('slot A is marked good');
  });

  test('the boot state is damaged: it counts as a disk without one', () => {
    const { withoutState, faults } = judge([
      { offset_bytes: lab.shape.state_at_bytes, bytes: new Uint8Array(512) },
    ]);
    expect(withoutState).toBe(1);
    expect(faults).toEqual([]);
  });

  test('the boot state is damaged while the other slot is half written, without its header', () => {
    const lost = { offset_bytes: lab.shape.state_at_bytes, bytes: new Uint8Array(512) };
    expect(judge([...before(), ...steps().body.slice(0, 4), lost, 'flush']).faults).toEqual([]);
  });

  test('a sector of the committed release is torn by a later write', () => {
    const again = {
      offset_bytes: lab.shape.slots.B.start_bytes + 30 * 4096,
      bytes: new Uint8Array(1024).fill(7),
    };
    const faults = found([...written(), ...after(), again]);
    expect(faults[0]).toMatchObject({ way: 'torn' });
  });
});
