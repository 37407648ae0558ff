import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { install } from './install.ts';
import { expectInstalled, installationOn, isMarked } from './installed-disk.ts';
import { KEPT_MAX_BYTES, KEPT_OFFSET_BYTES } from './limits.ts';
import {
  attachDisk,
  EIGHT_GB,
  type Lab,
  type LoopDisk,
  labEffects,
  labRequest,
  makeLab,
  noise,
} from './loop-lab.ts';
import type { InstallWishes } from './wishes.ts';

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
  wishes: Partial<InstallWishes> = {},
): Promise<{ effects: [string, number][]; signal: string | number | null }> {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dirname, 'power-cut-child.ts'),
      JSON.stringify(lab),
      disk.path,
      String(cutAt),
      JSON.stringify(wishes),
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

it(
  'killed at any step, an installation that keeps the identity has it still, and a bad stick does not lose it',
  async () => {
    await install(labRequest(lab, disk.path), labEffects(lab), { dryRun: false, next: '' });
    const key = noise(40_000, 11);
    await inData('rw', (folder) => {
      mkdirSync(join(folder, 'identity'), { mode: 0o750 });
      writeFileSync(join(folder, 'identity/device.key'), key, { mode: 0o400 });
    });
    const expectKept = () =>
      inData('ro', (folder) => {
        expect(Buffer.from(key).equals(readFileSync(join(folder, 'identity/device.key')))).toBe(true);
        expect(JSON.parse(readFileSync(join(folder, 'install.json'), 'utf8')).identity).toBe('kept');
      });
    const keepIdentity = { keepIdentity: true };
    const { effects } = await installUntil(0, keepIdentity);
    await expectKept();
    const steps = [...new Set(effects.map(([step]) => step))];
    expect(steps).toContain('identity');
    // At every seam, and once within each step.
    const cuts = steps.flatMap((step) => {
      const own = effects.filter(([other]) => other === step).map(([, number]) => number);
      return [own[0] ?? 0, own[Math.floor(own.length / 2)] ?? 0];
    });
    // Each goes on over what the one before left: lost once is lost for all that follow.
    for (const cut of FULL ? effects.map(([, number]) => number) : new Set(cuts)) {
      const { signal, effects: reached } = await installUntil(cut, keepIdentity);
      // What an interrupted one left takes fewer effects to look at; then it ends by itself.
      const step = reached.at(-1)?.[0];
      if (signal === 'SIGKILL' || step === 'finish') continue;
      throw new Error(`cut at ${cut}: ended with ${signal} in ${step}`);
    }
    const damaged = { ...lab, image: join(lab.folder, 'bit.img') };
    const bytes = readFileSync(lab.image);
    bytes[lab.manifest.data_bytes / 2] = (bytes[lab.manifest.data_bytes / 2] ?? 0) ^ 1;
    writeFileSync(damaged.image, bytes);
    const request = (of: Lab) =>
      labRequest(of, disk.path, { wishes: { target: disk.path, keepIdentity: true } });
    await expect(
      install(request(damaged), labEffects(lab), { dryRun: false, next: '' }),
    ).rejects.toMatchObject({ code: 'INSTALL_MEDIUM_DAMAGED' });

    const job = await install(request(lab), labEffects(lab), { dryRun: false, next: '' });
    await expectInstalled(lab, disk, job.ids);
    await expectKept();
    // What was put down meanwhile is erased, with the keys in it.
    const putDown_bytes = KEPT_OFFSET_BYTES + KEPT_MAX_BYTES;
    await runOrThrow(run, 'cmp', ['--bytes', String(putDown_bytes), '/dev/zero', `${disk.path}p3`]);
  },
  TIMEOUT_MS,
);

/** Mounts the data partition for the time of a look. */
async function inData(mode: 'ro' | 'rw', look: (folder: string) => void): Promise<void> {
  const folder = join(lab.folder, 'look');
  mkdirSync(folder, { recursive: true });
  await runOrThrow(run, 'mount', ['-o', mode, `${disk.path}p4`, folder]);
  try {
    look(folder);
  } finally {
    await runOrThrow(run, 'umount', [folder]);
  }
}
