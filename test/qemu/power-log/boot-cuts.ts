import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { applianceForTest, HEALTHY_TIMEOUT_MS } from '../fixtures/appliance.ts';
import { choicesOf } from '../slot-on-trial.ts';
import type { Cut } from './chosen-cuts.ts';
import { CutDisks } from './cut-disks.ts';
import type { DiskShape } from './disk-shape.ts';
import { INSTALL_TIMEOUT_MS } from './limits.ts';
import { INSTALL, type LoggedUpdate, MOUNT_STICK, untilCommitted, updateStory } from './logged-update.ts';
import type { Prefix } from './power-judge.ts';
import type { WriteLog } from './write-log.ts';

/**
 * Boots the disks of cuts, one after the other, to healthy on a complete release, and hears what the appliance says of its update.
 *
 * @param cuts in the order of their numbers
 * @param repeated names of cuts after which the same command is given again
 */
export async function bootCuts(
  log: WriteLog,
  update: LoggedUpdate,
  shape: DiskShape,
  prefixes: readonly Prefix[],
  cuts: readonly Cut[],
  repeated: readonly string[],
): Promise<void> {
  const disks = await CutDisks.of(log, update.base, shape, prefixes, join(update.folder, 'work.raw'));
  for (const [at, cut] of cuts.entries()) {
    const start_ms = Date.now();
    const path = join(update.folder, `cut-${at}.qcow2`);
    await disks.make(cut, path);
    const told = await bootCut(update, cut, `cut-${at}`, path, repeated.includes(cut.name));
    const took_s = Math.round((Date.now() - start_ms) / 1000);
    console.log(`boot ${at + 1} of ${cuts.length}, ${took_s} s, entry ${cut.number}, ${cut.name}: ${told}`);
    rmSync(path);
  }
}

async function bootCut(
  { versions, stick }: LoggedUpdate,
  cut: Cut,
  name: string,
  path: string,
  again: boolean,
): Promise<string> {
  const disk = { path, format: 'qcow2' } as const;
  const appliance = await applianceForTest(disk, { name, disks: [disk, { ...stick, snapshot: true }] });
  const { machine } = appliance;
  const { health, boot, version } = await appliance.judged(2 * HEALTHY_TIMEOUT_MS);
  expect(health.outcome, cut.name).toBe('healthy');
  expect(boot.contradiction, cut.name).toBeNull();
  expect(boot.mode, cut.name).not.toBe('rescue');
  expect(version.running, cut.name).toBe(boot.slot === 'A' ? versions.running : versions.new);
  const { state, running, onItsWay, history } = await updateStory(appliance);
  expect(running, cut.name).toEqual({ slot: boot.slot, version: version.running });
  expect(['succeeded', 'ready', 'rebooting', 'verifying'], cut.name).toContain(state);
  // Nothing is on its way but this update; one that runs and is no longer on its way is written down; otherwise nothing happened.
  if (onItsWay) expect(onItsWay, cut.name).toMatchObject({ slot: 'B', version: versions.new });
  else if (boot.slot === 'B')
    expect(history[0], cut.name).toMatchObject({ outcome: 'succeeded', version: versions.new });
  else expect([state, history], cut.name).toEqual(['succeeded', []]);
  let told = `${choicesOf(machine.serialText).join(', ')}; ${state}`;
  if (again && boot.slot === 'A') {
    await appliance.ssh(`${MOUNT_STICK} && ${INSTALL} --reboot`, INSTALL_TIMEOUT_MS);
    await untilCommitted(appliance, versions.new);
    told += '; the same command installs it';
  }
  await machine.cutPower();
  await machine.stop();
  return told;
}
