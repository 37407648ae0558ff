import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { install } from './install.ts';
import { expectInstalled, isMarked } from './installed-disk.ts';
import type { InstallJob } from './job.ts';
import {
  attachDisk,
  EIGHT_GB,
  type Lab,
  type LoopDisk,
  labEffects,
  labRequest,
  makeLab,
  noise,
  writeAt,
} from './loop-lab.ts';
import type { InstallRequest } from './prepare.ts';

/** A real installation takes about a second here; the shared machine may be ten times slower. */
const TIMEOUT_MS = 60_000;
/** 1 MiB of tables and the 256 MiB of the ESP; the layout tests hold the numbers. */
const SLOT_A_START_BYTES = 257 * 1024 * 1024;
const OPTIONS = { dryRun: false, next: 'Remove the stick.' };

let lab: Lab;
let disk: LoopDisk;
beforeAll(async () => {
  lab = await makeLab();
});
afterAll(() => lab.remove());

/** Attaches a disk for one test, blank or with something done to it first, and detaches it whatever happens. */
async function withDisk(act: () => Promise<void>, sector_bytes = 512, size_bytes = EIGHT_GB): Promise<void> {
  const file = join(lab.folder, `disk-${crypto.randomUUID()}`);
  disk = await attachDisk(file, size_bytes, sector_bytes);
  try {
    await act();
  } finally {
    await disk.detach();
  }
}

const installHere = (change: Partial<InstallRequest> = {}, effects = labEffects(lab)) =>
  install(labRequest(lab, disk.path, change), effects, OPTIONS);

describe('nothing is written', () => {
  it(
    'when the disk is in use',
    () =>
      withDisk(async () => {
        await runOrThrow(run, 'mkfs.ext4', ['-q', '-F', disk.path]);
        const folder = join(lab.folder, 'in-use');
        mkdirSync(folder);
        await runOrThrow(run, 'mount', [disk.path, folder]);
        try {
          await expect(installHere()).rejects.toMatchObject({ code: 'INSTALL_NO_TARGET' });
          writeFileSync(join(folder, 'alive'), 'yes');
        } finally {
          await runOrThrow(run, 'umount', [folder]);
        }
        await runOrThrow(run, 'e2fsck', ['-fn', disk.path]);
      }),
    TIMEOUT_MS,
  );

  it(
    'when something took the disk after it was chosen',
    () =>
      withDisk(async () => {
        await runOrThrow(run, 'mkfs.ext4', ['-q', '-F', disk.path]);
        const folder = join(lab.folder, 'taken');
        mkdirSync(folder);
        const effects = labEffects(lab);
        const emit: typeof effects.emit = (event) => {
          effects.events.push(event);
          if (event.event === 'step' && event.step === 'wipe') Bun.spawnSync(['mount', disk.path, folder]);
        };
        try {
          const failing = install(labRequest(lab, disk.path), { ...effects, emit }, OPTIONS);
          await expect(failing).rejects.toMatchObject({ code: 'INSTALL_DISK_BUSY' });
        } finally {
          await runOrThrow(run, 'umount', [folder]);
        }
        await runOrThrow(run, 'e2fsck', ['-fn', disk.path]);
      }),
    TIMEOUT_MS,
  );

  it(
    'when the disk is too small',
    () =>
      withDisk(
        async () => {
          await expect(installHere()).rejects.toThrow(/too small: 7,999,999,488 bytes/);
          expect(await firstByteUsed()).toBe(false);
        },
        512,
        EIGHT_GB - 512,
      ),
    TIMEOUT_MS,
  );

  it(
    'when the image or the boot files are not whole',
    () =>
      withDisk(async () => {
        const damaged = { ...lab, image: join(lab.folder, 'damaged.img') };
        await expectInvalidImage(
          damaged,
          (bytes) => bytes.fill(0, 0, 512),
          /does not start with a slot header/,
        );
        await expectInvalidImage(
          damaged,
          (bytes) => bytes.fill(0, bytes.length - 16 * 1024),
          /header or footer/,
        );
        await expectInvalidImage(
          damaged,
          (bytes) => bytes.subarray(0, bytes.length - 4096),
          /not a whole slot image/,
        );
        const request = labRequest(lab, disk.path, { bootFilesFolder: lab.folder });
        await expect(install(request, labEffects(lab), OPTIONS)).rejects.toMatchObject({
          code: 'INSTALL_BOOT_FILES_MISSING',
        });
        expect(await firstByteUsed()).toBe(false);
      }),
    TIMEOUT_MS,
  );
});

describe('an installation fails, without the mark of a finished one', () => {
  it(
    'when the disk does not hold what was written: one bit in data, tree or footer',
    () =>
      withDisk(async () => {
        const { data_bytes, blob_bytes } = lab.manifest;
        for (const at of [data_bytes / 2, data_bytes + 5000, blob_bytes - 100]) {
          const effects = labEffects(lab);
          const emit: typeof effects.emit = (event) => {
            effects.events.push(event);
            // Another writer, below the loop device, between writing and reading back.
            if (event.event === 'step' && event.step === 'compare' && event.state === 'started') {
              flipBit(disk.file, SLOT_A_START_BYTES + at);
            }
          };
          const failing = install(labRequest(lab, disk.path), { ...effects, emit }, OPTIONS);
          await expect(failing, `bit at ${at}`).rejects.toMatchObject({ code: 'INSTALL_READ_BACK_DIFFERS' });
          expect(effects.events.at(-1)).toMatchObject({
            event: 'failed',
            step: 'compare',
            headline: 'BAD DISK',
          });
          expect(await isMarked(lab, disk)).toBe(false);
        }
      }),
    TIMEOUT_MS,
  );

  it(
    'when the medium does not hold what its manifest promises: one bit in data or tree',
    () =>
      withDisk(async () => {
        const { data_bytes } = lab.manifest;
        for (const at of [data_bytes / 2, data_bytes + 5000]) {
          const damaged = { ...lab, image: join(lab.folder, 'bit.img') };
          await runOrThrow(run, 'cp', [lab.image, damaged.image]);
          flipBit(damaged.image, at);
          const effects = labEffects(lab);
          const failing = install(labRequest(damaged, disk.path), effects, OPTIONS);
          await expect(failing).rejects.toMatchObject({ code: 'INSTALL_MEDIUM_DAMAGED' });
          expect(effects.events.at(-1)).toMatchObject({ headline: 'BAD STICK' });
          expect(await isMarked(lab, disk)).toBe(false);
        }
      }),
    TIMEOUT_MS,
  );

  it(
    'when the disk forgets the loader, the data, a partition table or the empty slot before the last look',
    () =>
      withDisk(async () => {
        const spoil: [string, (job: InstallJob) => [number, Uint8Array]][] = [
          ['LAYOUT_MISMATCH', () => [1024, new Uint8Array(512)]],
          ['LAYOUT_MISMATCH', () => [EIGHT_GB - 512, new Uint8Array(512)]],
          [
            'INSTALL_READ_BACK_DIFFERS',
            ({ layout }) => [layout.partitions.B.start_bytes + 7, Buffer.from('x')],
          ],
          [
            'INSTALL_READ_BACK_DIFFERS',
            ({ layout }) => [layout.partitions.esp.start_bytes + 71, Buffer.from('X')],
          ],
          [
            'INSTALL_READ_BACK_DIFFERS',
            ({ layout }) => [layout.partitions.data.start_bytes + 1144, Buffer.from('X')],
          ],
          ['COMMAND_FAILED', ({ layout }) => [layout.partitions.data.start_bytes + 4096, noise(4096)]],
        ];
        for (const [code, where] of spoil) {
          const effects = labEffects(lab);
          const job = await install(labRequest(lab, disk.path), labEffects(lab), {
            ...OPTIONS,
            dryRun: true,
          });
          const emit: typeof effects.emit = (event) => {
            effects.events.push(event);
            if (event.event !== 'step' || event.step !== 'verify' || event.state !== 'started') return;
            const [at, bytes] = where(job);
            writeAt(disk.file, at, bytes);
            // The loop device does not know that its file changed.
            Bun.spawnSync(['blockdev', '--flushbufs', `${disk.path}p4`]);
          };
          const failing = install(labRequest(lab, disk.path), { ...effects, emit }, OPTIONS);
          await expect(failing, where.toString()).rejects.toMatchObject({ code });
          expect(await isMarked(lab, disk)).toBe(false);
        }
      }),
    TIMEOUT_MS,
  );

  it(
    'when a tool fails or hangs, and says which',
    () =>
      withDisk(async () => {
        const effects = labEffects(lab, {
          run: (program, args, options) =>
            program === 'mkfs.ext4' ? run('sleep', ['60'], { timeout_ms: 50 }) : run(program, args, options),
        });
        await expect(installHere({}, effects)).rejects.toMatchObject({ code: 'COMMAND_TIMEOUT' });
        expect(effects.events.at(-1)).toMatchObject({
          step: 'data',
          code: 'COMMAND_TIMEOUT',
          headline: 'FAILED',
        });
        expect(await isMarked(lab, disk)).toBe(false);
        await expectInstalled(lab, disk, (await installHere()).ids);
      }),
    TIMEOUT_MS,
  );
});

describe('an automatic installation', () => {
  const automatic: Partial<InstallRequest> = { automatic: true, live: true, wishes: {} };

  it('runs on the installation medium only', async () => {
    const request = labRequest(lab, '', { ...automatic, live: false });
    await expect(install(request, labEffects(lab), OPTIONS)).rejects.toMatchObject({
      code: 'INSTALL_NOT_LIVE',
    });
  });

  it('stops when it cannot tell which disk is its own medium', async () => {
    const request = labRequest(lab, '', automatic);
    await expect(install(request, labEffects(lab), OPTIONS)).rejects.toMatchObject({
      code: 'INSTALL_MEDIUM_UNKNOWN',
    });
  });
});

async function expectInvalidImage(
  changed: Lab,
  change: (bytes: Buffer) => Uint8Array,
  message: RegExp,
): Promise<void> {
  writeFileSync(changed.image, change(readFileSync(lab.image)));
  const effects = labEffects(lab);
  await expect(install(labRequest(changed, disk.path), effects, OPTIONS)).rejects.toThrow(message);
  expect(effects.events.at(-1)).toMatchObject({ code: 'INSTALL_IMAGE_INVALID', headline: 'BAD STICK' });
}

async function firstByteUsed(): Promise<boolean> {
  const allocated = await runOrThrow(run, 'du', ['--block-size=1', disk.file]);
  return Number(allocated.split('\t')[0]) > 0;
}

function flipBit(path: string, offset_bytes: number): void {
  const dd = Bun.spawnSync(['dd', `if=${path}`, 'bs=1', `skip=${offset_bytes}`, 'count=1', 'status=none']);
  writeAt(path, offset_bytes, Uint8Array.of((dd.stdout[0] ?? 0) ^ 1));
}

it('the tests leave nothing mounted', () => {
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(lab.folder);
  expect(existsSync(join(lab.folder, 'work/data'))).toBe(false);
});
