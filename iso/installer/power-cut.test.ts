import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { install } from './install.ts';
import { expectInstalled, installationOn, isMarked } from './installed-disk.ts';
import {
  attachDisk,
  EIGHT_GB,
  type Lab,
  type LoopDisk,
  labEffects,
  labRequest,
  makeLab,
} from './loop-lab.ts';

/** Every effect of an installation is a place to cut; a handful of them in a normal run, all with BULKHEAD_FULL=1. */
const FULL = process.env['BULKHEAD_FULL'] === '1';
const TIMEOUT_MS = FULL ? 30 * 60_000 : 120_000;

let lab: Lab;
let disk: LoopDisk;
beforeAll(async () => {
  lab = await makeLab();
  disk = await attachDisk(join(lab.folder, 'disk'), EIGHT_GB);
});
afterAll(async () => {
  await disk.detach();
  lab.remove();
});

/** Runs an installation in a process of its own; the effects it came to, as `[step, number]`. */
async function installUntil(
  cutAt: number,
): Promise<{ effects: [string, number][]; signal: string | number | null }> {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dirname, 'power-cut-child.ts'),
      JSON.stringify(lab),
      disk.path,
      String(cutAt),
    ],
    { stdout: 'pipe', stderr: 'inherit', stdin: 'ignore' },
  );
  const printed = await new Response(child.stdout).text();
  await child.exited;
  const effects = printed
    .trim()
    .split('\n')
    .map((line): [string, number] => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]);
  return { effects, signal: child.signalCode };
}

it(
  'killed at any step, an installation is not taken for finished, and the next one succeeds over what it left',
  async () => {
    const { effects } = await installUntil(0);
    expect(await isMarked(lab, disk)).toBe(true);
    const steps = [...new Set(effects.map(([step]) => step))];
    expect(steps).toEqual(['wipe', 'table', 'slot', 'compare', 'loader', 'data', 'verify', 'finish']);

    const finish = effects.filter(([step]) => step === 'finish').map(([, number]) => number);
    const cuts = steps.map((step) => {
      const own = effects.filter(([other]) => other === step).map(([, number]) => number);
      return own[Math.floor(own.length / 2)] ?? 0;
    });
    let previous = true;
    for (const cut of FULL ? effects.map(([, number]) => number) : [...cuts, ...finish.slice(-2)]) {
      const { signal, effects: reached } = await installUntil(cut);
      const [step = ''] = reached.at(-1) ?? [];
      expect(signal, `cut at ${cut} in ${step}`).toBe('SIGKILL');
      const found = await installationOn(lab, disk);
      // Whatever a cut leaves, the next start goes on by itself: only damage done later needs a person.
      expect(found, `after a cut at ${cut} in ${step}`).not.toBe('unknown');
      const marked = found === 'finished';
      // Before the first zero is written the disk is what it was; in the last step the mark may be there, and is true.
      const untouched = cut <= 1;
      if (step === 'finish') await expectWholeIfMarked(marked);
      else expect(marked, `marked after a cut at ${cut} in ${step}`).toBe(untouched && previous);
      previous = marked;
    }

    const job = await install(labRequest(lab, disk.path), labEffects(lab), { dryRun: false, next: '' });
    await expectInstalled(lab, disk, job.ids);
  },
  TIMEOUT_MS,
);

async function expectWholeIfMarked(marked: boolean): Promise<void> {
  if (marked) await expectInstalled(lab, disk, null);
}
