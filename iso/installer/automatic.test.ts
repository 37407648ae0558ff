import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { install } from './install.ts';
import { EIGHT_GB, type Lab, type LoopDisk, labEffects, labRequest, makeLab } from './loop-lab.ts';
import type { InstallRequest } from './prepare.ts';
import { StickLab } from './stick-lab.ts';
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
  const decide = async (change: Partial<InstallRequest> = {}) => {
    const effects = sticks.effects();
    const request = labRequest(lab, '', {
      automatic: true,
      live: true,
      machine: LISTED,
      wishes: {},
      ...change,
    });
    const job = await install(request, effects, { dryRun: true, next: '' });
    return job;
  };

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
    await install(labRequest(lab, target.path), labEffects(lab), { dryRun: false, next: '' });
    const wish = (more: Partial<typeof DEFAULT_WISHES>) => ({
      readConfig: () => ({ ...DEFAULT_WISHES, target: target.path, ...more }),
    });
    await expect(decide(wish({}))).rejects.toThrow(
      /already carries a finished installation \(version 1.2.3\)/,
    );
    expect((await decide(wish({ reinstall: true }))).path).toBe(target.path);
    expect((await decide(wish({ keepIdentity: true }))).keepIdentity).toBe(true);
    sticks.put('proc/cmdline', 'bulkhead.reinstall=1');
    expect((await decide(wish({}))).path).toBe(target.path);
  });
});
