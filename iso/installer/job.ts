import { initialState, serialiseBootState } from '../../partitions/boot-state.ts';
import type { Disk } from '../../partitions/disks.ts';
import { serialiseEnvBlock } from '../../partitions/env-block.ts';
import { type DiskLayout, type PartitionRole, partitionPath, planLayout } from '../../partitions/layout.ts';
import { BOOT_STATE_FILE } from '../../partitions/layout-names.ts';
import type { LayoutIds } from '../../partitions/layout-sfdisk.ts';
import { LAYOUT_ENV_BYTES } from './limits.ts';
import { ESP_LAYOUT, ESP_LOADER, ESP_SCRIPT } from './paths.ts';
import type { ReinstallMark } from './reinstall-mark.ts';
import type { InstallSource } from './source.ts';

/** A configuration that is taken over, already found to be valid. */
export interface ConfigFile {
  text: string;
  /** Where it was found, for the record. */
  source: string;
}

/** Everything decided before the first byte is written. Plain data; nothing in it changes afterwards. */
export interface InstallJob {
  target: Disk;
  /** Device node of the target. */
  path: string;
  layout: DiskLayout;
  ids: LayoutIds;
  source: InstallSource;
  config: ConfigFile | null;
  keepIdentity: boolean;
  /** The file on the medium that asked for this, to be used up; null without one. */
  reinstallMark: ReinstallMark | null;
  /** What the firmware calls the machine the installer ran on. */
  machine: string;
  /** What the installer ran from, for the record. */
  medium: string;
}

export function partitionNode(job: InstallJob, role: PartitionRole): string {
  return partitionPath(job.path, job.layout.partitions[role].number);
}

/** @throws BulkheadError LAYOUT_DISK_TOO_SMALL, LAYOUT_SECTOR_SIZE */
export function layoutFor(target: Disk, source: InstallSource): DiskLayout {
  return planLayout(target.size_bytes, target.sector_bytes, source.manifest.blob_bytes);
}

/**
 * Every file of the ESP but the marker. The boot state comes first: on an empty FAT its one sector then lies at the very
 * front and never shares a cluster chain with anything.
 */
export function espFiles(job: Pick<InstallJob, 'source' | 'ids'>): ReadonlyMap<string, Uint8Array> {
  return new Map([
    [`/${BOOT_STATE_FILE}`, serialiseBootState(initialState('A'))],
    [ESP_LOADER, job.source.loader],
    [ESP_SCRIPT, job.source.script],
    [ESP_LAYOUT, serialiseEnvBlock({ root_a_uuid: job.ids.A, root_b_uuid: job.ids.B }, LAYOUT_ENV_BYTES)],
  ]);
}

/** The record on the data partition: what was installed, when, from where. */
export function installRecord(job: InstallJob, installedAt: Date, identityKept: boolean): string {
  const { version, revision, verity } = job.source.manifest;
  const { name, model, serial, size_bytes, transport } = job.target;
  const record = {
    format: 1,
    installed_at: installedAt.toISOString(),
    version,
    revision,
    root_hash: verity.root_hash,
    machine: job.machine,
    target: { name, model, serial, size_bytes, transport },
    partitions: job.ids,
    medium: job.medium,
    config: job.config?.source ?? null,
    identity: identityKept ? 'kept' : 'new',
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The marker's content; only its presence counts. */
export function markerContent(job: InstallJob, installedAt: Date): Uint8Array {
  return serialiseEnvBlock(
    { installed_version: job.source.manifest.version, installed_at: installedAt.toISOString() },
    LAYOUT_ENV_BYTES,
  );
}
