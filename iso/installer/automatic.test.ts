import { readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { run, runOrThrow } from '../../base/run.ts';
import { listFatFolder } from './esp.ts';
import { install } from './install.ts';
import { isMarked } from './installed-disk.ts';
import {
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
import { MIB, StickLab } from './stick-lab.ts';
import { DEFAULT_WISHES } from './wishes.ts';

let lab: Lab;
let sticks: StickLab;
beforeAll(async () => {
  lab = await makeLab();
});
afterAll(() => lab.remove());

describe('an automatic installation decides', () => {
  const LISTED = { vendor: 'HP', product: 'HP t640 Thin Client' };
  let target: LoopDisk;
  let medium: LoopDisk;
  /** @param dryRun false: goes on until the disk is wiped; a made-up sysfs shows no partitions */
  const decide = (change: Partial<InstallRequest> = {}, dryRun = true) => {
    const request = labRequest(lab, '', {
      automatic: true,
      live: true,
      machine: LISTED,
      wishes: {},
      ...change,
    });
    const effects = sticks.effects();
    const emit: typeof effects.emit = (event) => {
      if (event.event === 'step' && event.step === 'table') throw new Error('wiped');
    };
    return install(request, { ...effects, emit }, { dryRun, next: '' });
  };
  const onTarget = (more: Partial<typeof DEFAULT_WISHES> = {}) => ({
    readConfig: () => ({ ...DEFAULT_WISHES, target: target.path, ...more }),
  });
  const markStick = async (name: string) => {
    const local = join(lab.folder, 'mark');
    writeFileSync(local, '');
    await runOrThrow(run, 'mcopy', ['-i', medium.path, local, `::/${name}`]);
  };
  const finish = () => install(labRequest(lab, target.path), labEffects(lab), { dryRun: false, next: '' });

  beforeEach(async () => {
    sticks = new StickLab(lab);
    const stick = await sticks.fat('BULKHEAD', { 'config.yaml': 'the text' });
    medium = await sticks.plug(stick, 'usb', 'medium');
    target = await sticks.plug(join(lab.folder, `target-${crypto.randomUUID()}`), 'ata', 'other', EIGHT_GB);
  });

  afterEach(() => sticks.remove());

  it('by the configuration on the stick: its target is taken and its text is installed', async () => {
    const seen: string[] = [];
    const job = await decide({
      readConfig: (text) => {
        seen.push(text);
        return { ...DEFAULT_WISHES, target: target.path };
      },
    });
    expect(seen).toEqual(['the text']);
    expect([job.path, job.config?.text]).toEqual([target.path, 'the text']);
  });

  it('against a configuration that is refused, before anything else', async () => {
    const readConfig = () => {
      throw new BulkheadError('INSTALL_CONFIG_INVALID', 'line 3: no');
    };
    await expect(decide({ readConfig })).rejects.toThrow('line 3: no');
  });

  it('against a machine that is not listed, unless configuration or command line say any', async () => {
    const machine = { vendor: 'Dell Inc.', product: 'OptiPlex' };
    const readConfig = () => ({ ...DEFAULT_WISHES, target: target.path });
    await expect(decide({ machine, readConfig })).rejects.toMatchObject({ code: 'INSTALL_HARDWARE_REFUSED' });
    const anyHardware = () => ({ ...DEFAULT_WISHES, target: target.path, hardware: 'any' as const });
    expect((await decide({ machine, readConfig: anyHardware })).path).toBe(target.path);
    sticks.put('proc/cmdline', 'quiet bulkhead.hardware=any');
    expect((await decide({ machine, readConfig })).path).toBe(target.path);
  });

  it('by the kernel command line before the configuration', async () => {
    sticks.put('proc/cmdline', `bulkhead.target=${target.path}`);
    const job = await decide({ readConfig: () => ({ ...DEFAULT_WISHES, target: '/dev/sdx' }) });
    expect(job.path).toBe(target.path);
  });

  it('for a disk that appears late', async () => {
    const link = sticks.listing(target);
    const place = readlinkSync(link);
    rmSync(link);
    setTimeout(() => symlinkSync(place, link), 300);
    const readConfig = () => ({ ...DEFAULT_WISHES, target: target.path });
    expect((await decide({ readConfig, diskPatience_ms: 10_000 })).path).toBe(target.path);
  });

  it('never for the medium, even when told so', async () => {
    const failing = decide({ readConfig: () => ({ ...DEFAULT_WISHES, target: medium.path }) });
    await expect(failing).rejects.toThrow(/the medium this system runs from/);
  });

  it('against a finished installation, unless told to reinstall or to keep the identity', async () => {
    await finish();
    await expect(decide(onTarget())).rejects.toThrow(
      /already carries a finished installation \(version 1.2.3\)/,
    );
    expect((await decide(onTarget({ reinstall: true }))).path).toBe(target.path);
    expect((await decide(onTarget({ keepIdentity: true }))).keepIdentity).toBe(true);
    sticks.put('proc/cmdline', 'bulkhead.reinstall=1');
    expect((await decide(onTarget())).path).toBe(target.path);
  });

  it('against an appliance with data whose ESP is damaged, in whatever way, unless told to reinstall', async () => {
    const esp_bytes = 1024 * 1024;
    const damage: [string, (start: number) => void][] = [
      ['no FAT any more', (start) => writeAt(target.path, start, noise(4096))],
      ['zeros at its start', (start) => writeAt(target.path, start, new Uint8Array(4096))],
      [
        'zeros over allocation tables and top folder',
        (start) => writeAt(target.path, start + 16384, new Uint8Array(8 * MIB)),
      ],
      ['bytes per sector of zero', (start) => writeAt(target.path, start + 11, new Uint8Array(2))],
    ];
    for (const [how, act] of damage) {
      await finish();
      act(esp_bytes);
      await expect(decide(onTarget()), how).rejects.toMatchObject({ code: 'INSTALL_STATE_UNKNOWN' });
      expect((await decide(onTarget({ reinstall: true }))).path).toBe(target.path);
    }
  });

  it('to erase a finished installation once, when the stick carries a file REINSTALL', async () => {
    await finish();
    const effects = sticks.effects();
    await markStick('reinstall.txt');
    expect((await decide(onTarget())).reinstallMark?.names).toEqual(['reinstall.txt']);
    const on = (path: string) => listFatFolder(effects, path, '/');
    expect(await on(medium.path), 'a dry run takes nothing away').toContain('reinstall.txt');
    await expect(decide(onTarget(), false)).rejects.toThrow('wiped');
    expect(await on(medium.path)).toEqual(['config.yaml']);
    await finish();
    await expect(decide(onTarget())).rejects.toMatchObject({ code: 'INSTALL_ALREADY_INSTALLED' });
  });

  it('against erasing anything while the file REINSTALL cannot be taken off the stick', async () => {
    await finish();
    await markStick('REINSTALL');
    await runOrThrow(run, 'blockdev', ['--setro', medium.path]);
    try {
      await expect(decide(onTarget(), false)).rejects.toMatchObject({ code: 'INSTALL_MARK_STAYS' });
    } finally {
      // The kernel keeps this for whoever gets the device next.
      await runOrThrow(run, 'blockdev', ['--setrw', medium.path]);
    }
    expect(await isMarked(lab, target)).toBe(true);
  });
});
