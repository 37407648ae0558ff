import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { STEP_IDS } from './events.ts';
import { install } from './install.ts';
import { expectInstalled, isMarked } from './installed-disk.ts';
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
const CONFIG = { text: 'site_id: clinic-7\n', source: 'test: config.yaml' };

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

/** Mounts the data partition for the time of a look. */
async function inData<T>(look: (folder: string) => T, mode = 'ro', partition = 4): Promise<T> {
  const folder = join(lab.folder, 'look');
  mkdirSync(folder, { recursive: true });
  await runOrThrow(run, 'mount', ['-o', mode, `${disk.path}p${partition}`, folder]);
  try {
    return look(folder);
  } finally {
    await runOrThrow(run, 'umount', [folder]);
  }
}

describe('a blank disk', () => {
  it(
    'becomes an appliance: slot, loader, boot state, data, configuration and record',
    () =>
      withDisk(async () => {
        const effects = labEffects(lab);
        const job = await installHere({ config: CONFIG }, effects);
        await expectInstalled(lab, disk, job.ids);
        await inData((folder) => {
          expect(readdirSync(folder).sort()).toEqual(['config.yaml', 'install.json', 'lost+found']);
          expect(readFileSync(join(folder, 'config.yaml'), 'utf8')).toBe(CONFIG.text);
          expect(JSON.parse(readFileSync(join(folder, 'install.json'), 'utf8'))).toMatchObject({
            version: '1.2.3',
            installed_at: '2026-11-21T12:00:00.000Z',
            root_hash: lab.manifest.verity.root_hash,
            config: CONFIG.source,
            identity: 'new',
            target: { size_bytes: EIGHT_GB },
          });
        });
        const steps = effects.events.flatMap((event) =>
          event.event === 'step' ? [`${event.step} ${event.state}`] : [],
        );
        const expected = STEP_IDS.flatMap((step) =>
          step === 'identity' ? [`${step} skipped`] : [`${step} started`, `${step} done`],
        );
        expect(steps).toEqual(expected);
        expect(effects.events.at(-1)).toMatchObject({
          event: 'finished',
          version: '1.2.3',
          target: disk.path,
        });
      }),
    TIMEOUT_MS,
  );

  it(
    'with sectors of 4096 bytes becomes one, too',
    () => withDisk(async () => expectInstalled(lab, disk, (await installHere()).ids), 4096),
    TIMEOUT_MS,
  );

  it(
    'is only looked at by a dry run',
    () =>
      withDisk(async () => {
        const effects = labEffects(lab);
        await install(labRequest(lab, disk.path), effects, { ...OPTIONS, dryRun: true });
        const allocated = await runOrThrow(run, 'du', ['--block-size=1', disk.file]);
        expect(Number(allocated.split('\t')[0])).toBe(0);
        expect(JSON.stringify(effects.events)).toContain('MSP-DATA');
      }),
    TIMEOUT_MS,
  );
});

describe('a disk that was used before', () => {
  it(
    'with an appliance on it becomes a new one: other identifiers, no old data',
    () =>
      withDisk(async () => {
        const first = await installHere({ config: CONFIG });
        await inData((folder) => {
          mkdirSync(join(folder, 'identity'));
          writeFileSync(join(folder, 'identity/device.key'), 'old', { mode: 0o400 });
        }, 'rw');
        const second = await installHere();
        await expectInstalled(lab, disk, second.ids);
        expect(new Set([...Object.values(first.ids), ...Object.values(second.ids)]).size).toBe(10);
        expect(await inData((folder) => readdirSync(folder).sort())).toEqual(['install.json', 'lost+found']);
      }),
    TIMEOUT_MS,
  );

  it(
    'keeps its identity when told, with owners, permissions and every byte, even from a journal that was not replayed',
    () =>
      withDisk(async () => {
        await installHere();
        await inData((folder) => {
          mkdirSync(join(folder, 'identity/ssh'), { recursive: true, mode: 0o750 });
          writeFileSync(join(folder, 'identity/device.key'), noise(4000, 9), { mode: 0o400 });
          writeFileSync(join(folder, 'identity/ssh/host'), 'h', { mode: 0o600 });
          chownSync(join(folder, 'identity/device.key'), 900, 900);
          Bun.spawnSync(['sync', '-f', folder]);
          writeFileSync(join(folder, 'identity/late'), 'only in the journal');
          Bun.spawnSync(['sync', join(folder, 'identity/late')]);
          // What the disk holds at this moment is what a power cut leaves.
          Bun.spawnSync(['cp', '--sparse=always', disk.file, `${disk.file}-cut`]);
        }, 'rw');
        await disk.detach();
        disk = await attachDisk(`${disk.file}-cut`, EIGHT_GB);
        await run('partx', ['--update', disk.path]);
        const features = await runOrThrow(run, 'dumpe2fs', ['-h', `${disk.path}p4`]);
        expect(features).toContain('needs_recovery');
        await installHere({ wishes: { target: disk.path, keepIdentity: true } });
        await inData((folder) => {
          expect(Buffer.from(noise(4000, 9)).equals(readFileSync(join(folder, 'identity/device.key')))).toBe(
            true,
          );
          expect(readFileSync(join(folder, 'identity/ssh/host'), 'utf8')).toBe('h');
          expect(readFileSync(join(folder, 'identity/late'), 'utf8')).toBe('only in the journal');
          expect(JSON.parse(readFileSync(join(folder, 'install.json'), 'utf8')).identity).toBe('kept');
        });
        const stat = await runOrThrow(run, 'debugfs', ['-R', 'stat /identity/device.key', `${disk.path}p4`]);
        expect(stat).toMatch(/User:\s+900/);
        expect(stat).toMatch(/Mode:\s+0400/);
      }),
    TIMEOUT_MS,
  );

  it(
    'whose data lies elsewhere keeps its identity too, and says that it is held in memory alone',
    () =>
      withDisk(async () => {
        const sectors = (EIGHT_GB - 400 * 1024 * 1024) / 512;
        await runOrThrow(run, 'sfdisk', ['--quiet', disk.path], {
          input: `label: gpt\nstart=614400, size=${Math.floor(sectors / 2048) * 2048}, name=MSP-DATA\n`,
        });
        await run('partx', ['--update', disk.path]);
        await runOrThrow(run, 'mkfs.ext4', ['-q', '-L', 'MSP-DATA', `${disk.path}p1`]);
        await inData(
          (folder) => {
            mkdirSync(join(folder, 'identity'));
            writeFileSync(join(folder, 'identity/device.key'), 'older than the layout');
          },
          'rw',
          1,
        );
        const effects = labEffects(lab);
        await installHere({ wishes: { target: disk.path, keepIdentity: true } }, effects);
        expect(JSON.stringify(effects.events)).toContain('in memory alone');
        const key = (folder: string) => readFileSync(join(folder, 'identity/device.key'), 'utf8');
        expect(await inData(key)).toBe('older than the layout');
      }),
    TIMEOUT_MS,
  );

  it(
    'stops before the wipe when the identity that is to be kept cannot be read',
    () =>
      withDisk(async () => {
        await installHere();
        writeAt(`${disk.path}p4`, 1024, new Uint8Array(4096));
        const wishes = { target: disk.path, keepIdentity: true };
        await expect(installHere({ wishes })).rejects.toMatchObject({ code: 'INSTALL_IDENTITY_UNREADABLE' });
        expect(await isMarked(lab, disk), 'nothing was wiped').toBe(true);
      }),
    TIMEOUT_MS,
  );

  const remains: [string, () => Promise<void> | void][] = [
    ['noise from end to end of what is written', () => fillWithNoise()],
    ['a BitLocker volume', () => writeAt(disk.path, 0, bitLockerHeader())],
    [
      'Windows: GPT with an NTFS partition over our data area',
      async () => {
        await runOrThrow(run, 'sfdisk', ['--quiet', disk.path], {
          input:
            'label: gpt\nsize=100MiB, type=uefi\nsize=16MiB\ntype=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n',
        });
        await run('partx', ['--update', disk.path]);
      },
    ],
    [
      'a whole-disk file system',
      async () => void (await runOrThrow(run, 'mkfs.ext4', ['-q', '-F', disk.path])),
    ],
    [
      'LVM and RAID signatures, at the disk and where our partitions come to lie',
      async () => {
        const { layout } = await install(labRequest(lab, disk.path), labEffects(lab), {
          ...OPTIONS,
          dryRun: true,
        });
        const { A, data } = layout.partitions;
        for (const start of [0, A.start_bytes, data.start_bytes]) {
          writeAt(disk.path, start + 512, Buffer.from('LABELONE'));
          writeAt(disk.path, start + 536, Buffer.from('LVM2 001'));
        }
        // Linux RAID 1.0 keeps its superblock 8 KiB before the end.
        for (const end of [EIGHT_GB, A.start_bytes + A.size_bytes, data.start_bytes + data.size_bytes]) {
          writeAt(
            disk.path,
            (Math.floor(end / 4096) - 2) * 4096,
            Buffer.from([0xfc, 0x4e, 0x2b, 0xa9, 1, 0, 0, 0]),
          );
        }
      },
    ],
  ];
  for (const [what, prepare] of remains) {
    it(
      `with ${what} becomes an appliance, and nothing of that is found any more`,
      () =>
        withDisk(async () => {
          await prepare();
          await expectInstalled(lab, disk, (await installHere()).ids);
          const signatures = await runOrThrow(run, 'wipefs', [
            '--no-act',
            '--output',
            'TYPE',
            '--noheadings',
            disk.path,
          ]);
          expect(new Set(signatures.trim().split(/\s+/))).toEqual(new Set(['gpt', 'PMBR']));
          for (const [number, types] of [
            [1, ['vfat']],
            [3, []],
            [4, ['ext4']],
          ] as const) {
            const found = await runOrThrow(run, 'wipefs', [
              '--no-act',
              '--output',
              'TYPE',
              '--noheadings',
              `${disk.path}p${number}`,
            ]);
            expect([...new Set(found.trim().split(/\s+/).filter(Boolean))]).toEqual(types);
          }
        }),
      TIMEOUT_MS,
    );
  }
});

describe('a second disk', () => {
  it(
    'is neither read nor written, only listed',
    () =>
      withDisk(async () => {
        const second = await attachDisk(join(lab.folder, 'second'), 9e9);
        try {
          // Documentation/block/stat.rst: reads are the first field, writes the fifth, discards the twelfth.
          const transfers = () => {
            const fields = readFileSync(`/sys/block/${basename(second.path)}/stat`, 'utf8')
              .trim()
              .split(/\s+/);
            return [fields[0], fields[4], fields[11]];
          };
          const before = transfers();
          await installHere();
          expect(transfers()).toEqual(before);
        } finally {
          await second.detach();
        }
      }),
    TIMEOUT_MS,
  );
});

function fillWithNoise(): void {
  const chunk = noise(4 * 1024 * 1024, 11);
  const starts = [0, 64e6, SLOT_A_START_BYTES, 3e9, 6e9, EIGHT_GB - chunk.length];
  for (const start of starts) writeAt(disk.path, start - (start % 4096), chunk);
}

/** What identifies BitLocker to libblkid: the OEM name, and the GUID at the place FVE metadata is pointed to from. */
function bitLockerHeader(): Uint8Array {
  const sector = new Uint8Array(512);
  sector.set([0xeb, 0x58, 0x90], 0);
  sector.set(Buffer.from('-FVE-FS-'), 3);
  sector.set(Buffer.from('3bd6674929 2ed84a8399f6a339e3d001'.replace(' ', ''), 'hex'), 0xa0);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

it('the tests leave nothing mounted', () => {
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(lab.folder);
  expect(existsSync(join(lab.folder, 'work/data'))).toBe(false);
});
