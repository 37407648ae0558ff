import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { selectBoot } from '../../partitions/boot-machine.ts';
import { parseBootState, serialiseBootState } from '../../partitions/boot-state.ts';
import { damagedBlocks } from './grub-damage.ts';
import {
  grubScript,
  makeDisk,
  makeEsp,
  makeLoader,
  makeWorkplace,
  runGrub,
  type Workplace,
} from './grub-rig.ts';
import {
  allConditions,
  allStates,
  blockFile,
  driverScript,
  expectedRow,
  SAVED_OVER_DAMAGE,
  stateFile,
} from './grub-table.ts';

let work: Workplace;
let loader: string;

beforeAll(async () => {
  work = makeWorkplace();
  loader = work.path('BOOTX64.EFI');
  await makeLoader(loader);
});

afterAll(() => work.remove());

describe('the decision of grub.cfg, made by the real GRUB', () => {
  const states = allStates();
  const blocks = damagedBlocks();
  let said: string[];
  let image: string;

  beforeAll(async () => {
    image = work.path('table.esp');
    await makeEsp(image, loader, {
      'bulkhead/grub.cfg': driverScript(states.length, blocks.length),
      'bulkhead/real.cfg': grubScript(),
      ...Object.fromEntries(
        states.map((state, index) => [`t/${stateFile(index)}`, serialiseBootState(state)]),
      ),
      ...Object.fromEntries(blocks.map((block, index) => [`t/${blockFile(index)}`, block])),
    });
    const disk = work.path('table.disk');
    await makeDisk(disk, { esp: image, slots: { A: undefined, B: undefined } });
    rmSync(image);
    said = (await runGrub(work, { disks: [disk], until: /DRIVER-END/ })).split('\n');
    await runOrThrow(run, 'dd', [`if=${disk}`, `of=${image}`, 'bs=1M', 'skip=1', 'count=48']);
  });

  test('equals selectBoot for every state and everything that can be found beside it', () => {
    const expected = [
      ...states.flatMap((state, index) =>
        allConditions().map((conditions) => expectedRow(stateFile(index), state, conditions)),
      ),
      ...allConditions().map((conditions) => expectedRow('none', undefined, conditions)),
    ];
    expect(expected).toHaveLength((288 + 1) * 16);
    expect(said.filter((line) => line.startsWith('D '))).toEqual(expected);
  });

  test('takes a block for a state exactly when Linux does', () => {
    const expected = blocks.map(
      (block, index) => `F ${blockFile(index)} ${parseBootState(block) ? '1' : '0'}`,
    );
    expect(said.filter((line) => line.startsWith('F '))).toEqual(expected);
  });

  test('saves what was decided, in place, and notices when nothing was saved', async () => {
    const saved = new Map(
      said
        .filter((line) => line.startsWith('S '))
        .map((line) => [line.split(' ')[1] ?? '', line.split(' ')[2]]),
    );
    const everything = { canSave: true, whole: { A: true, B: true } };
    const folder = work.path('saved');
    await runOrThrow(run, 'mkdir', [folder]);
    await runOrThrow(run, 'mcopy', ['-s', '-n', '-i', image, '::/t', folder]);
    for (const [index, state] of states.entries()) {
      const now = parseBootState(readFileSync(`${folder}/t/${stateFile(index)}`));
      expect(now, `after ${JSON.stringify(state)}`).toEqual(selectBoot(state, everything).next);
      expect(saved.get(stateFile(index))).toBe('1');
    }
    expect(saved.get('none')).toBe('0');
    for (const index of blocks.keys()) {
      const file = readFileSync(`${folder}/t/${blockFile(index)}`);
      const holdsIt = Buffer.from(serialiseBootState(SAVED_OVER_DAMAGE));
      const now = parseBootState(file);
      const isSaved = now !== undefined && Buffer.from(serialiseBootState(now)).equals(holdsIt);
      expect([blockFile(index), saved.get(blockFile(index))]).toEqual([
        blockFile(index),
        isSaved ? '1' : '0',
      ]);
    }
  });

  test('reads the clock that decides where no state does', () => {
    expect(said.find((line) => line.startsWith('CLOCK '))).toMatch(/^CLOCK \d{1,2}$/);
  });
});
