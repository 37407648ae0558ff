import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import type { Machine } from '../../base/hardware.ts';
import { type Disk, listDisks } from '../../partitions/disks.ts';
import { newLayoutIds } from '../../partitions/layout-sfdisk.ts';
import { chooseTarget, parseTargetWish, renderChoice, renderVerdicts } from '../../partitions/target.ts';
import { type InstallEffects, sleep } from './effects.ts';
import { checkHardware, describeMachine } from './hardware.ts';
import { releaseLeftovers } from './identity.ts';
import { refuseInstalled } from './installed-before.ts';
import { type ConfigFile, type InstallJob, layoutFor } from './job.ts';
import { DISK_POLL_MS } from './limits.ts';
import { MEDIUM_MOUNT } from './paths.ts';
import { findReinstallMark } from './reinstall-mark.ts';
import { openSource } from './source.ts';
import { findStickConfig } from './stick-config.ts';
import { type InstallWishes, mergeWishes, wishesFromCommandLine } from './wishes.ts';

export interface InstallRequest {
  /**
   * Nobody is there: hardware is checked, the configuration is looked for on sticks, the kernel command line counts, a finished
   * installation is left alone, and it has to be the live system. Otherwise a person named the target and means it.
   */
  automatic: boolean;
  imagePath: string;
  bootFilesFolder: string;
  machine: Machine;
  /** Started from the installation medium; see partitions/initrd-report.ts. */
  live: boolean;
  /** How long to wait for a disk that can be used to appear. */
  diskPatience_ms: number;
  /** Explicit wishes; they win over everything. */
  wishes: Partial<InstallWishes>;
  /** A configuration named by a person; looked for on sticks when null and automatic. */
  config: ConfigFile | null;
  /** Checks a configuration and gives what it says about the installation. Handed in: its schema belongs to the appliance. */
  readConfig: (text: string, source: string) => InstallWishes;
}

/**
 * Decides everything and writes nothing. Whatever is wrong is found here, before the wipe.
 *
 * @throws BulkheadError with the reason: INSTALL_*, TARGET_*, LAYOUT_*, and those of `readConfig`
 */
export async function prepareInstall(request: InstallRequest, effects: InstallEffects): Promise<InstallJob> {
  if (request.automatic && !request.live) {
    throw new BulkheadError(
      'INSTALL_NOT_LIVE',
      'an automatic installation starts from the installation medium only',
      {
        hint: 'to prepare a disk from here, name it: bulkhead install --target /dev/NAME --yes',
      },
    );
  }
  await releaseLeftovers(effects);
  const disks = listDisks(effects.kernel);
  const medium = disks.find((disk) => disk.mounts.includes(MEDIUM_MOUNT) && disk.transport !== 'virtual');
  if (request.automatic && !medium) {
    throw new BulkheadError(
      'INSTALL_MEDIUM_UNKNOWN',
      'it cannot be told which disk is the installation medium',
      {
        hint: 'nothing was changed; start again from the stick, plugged in directly',
      },
    );
  }
  const config = request.config ?? (request.automatic ? await findStickConfig(disks, effects) : null);
  const reinstallMark = request.automatic && medium ? await findReinstallMark(medium, effects) : null;
  const wishes = mergeWishes(
    config ? request.readConfig(config.text, config.source) : {},
    reinstallMark ? { reinstall: true } : {},
    request.automatic
      ? wishesFromCommandLine(readFileSync(join(effects.kernel.proc, 'cmdline'), 'utf8'))
      : {},
    request.wishes,
  );
  effects.emit({
    event: 'note',
    text: `configuration: ${config?.source ?? 'none, the built-in values apply'}`,
  });
  if (request.automatic) checkHardware(request.machine, wishes.hardware);

  const target = await awaitTarget(disks, wishes, request.diskPatience_ms, effects);
  if (request.automatic && !wishes.reinstall && !wishes.keepIdentity) await refuseInstalled(target, effects);
  const source = openSource(request.imagePath, request.bootFilesFolder);
  return {
    target,
    path: `/dev/${target.name}`,
    layout: layoutFor(target, source),
    ids: newLayoutIds(effects.randomUuid),
    source,
    config,
    keepIdentity: wishes.keepIdentity,
    reinstallMark,
    machine: describeMachine(request.machine),
    medium: medium ? `/dev/${medium.name}` : request.imagePath,
  };
}

/** Chooses the target; where none can be used yet, looks again until patience ends. */
async function awaitTarget(
  disks: readonly Disk[],
  wishes: InstallWishes,
  patience_ms: number,
  effects: InstallEffects,
): Promise<Disk> {
  const choose = (seen: readonly Disk[]) =>
    chooseTarget(seen, wishes.target === null ? null : parseTargetWish(followLink(wishes.target)));
  const end_ms = effects.clock_ms() + patience_ms;
  let choice = choose(disks);
  while (!choice.target && effects.clock_ms() < end_ms) {
    await sleep(DISK_POLL_MS);
    choice = choose(listDisks(effects.kernel));
  }
  effects.emit({ event: 'note', text: renderChoice(choice) });
  if (choice.target) return choice.target;
  throw new BulkheadError('INSTALL_NO_TARGET', `${choice.reason}\n${renderVerdicts(choice)}`);
}

/** udev's names (/dev/disk/by-id/…, by-path/…) are links to the device; where there is no udev the text stands as it is. */
function followLink(target: string): string {
  if (!target.startsWith('/dev/disk/')) return target;
  try {
    return realpathSync(target);
  } catch {
    return target;
  }
}
