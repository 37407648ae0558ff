import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Disk } from '../../partitions/disks.ts';
import { parseEnvBlock } from '../../partitions/env-block.ts';
import { partitionPath } from '../../partitions/layout.ts';
import { readGpt } from '../../partitions/layout-gpt.ts';
import { BOOT_STATE_FILE, DATA_LABEL, ESP_LABEL, SLOT_LABELS } from '../../partitions/layout-names.ts';
import { readRange } from './block-device.ts';
import type { InstallEffects } from './effects.ts';
import { listFatFolder, readEspFile } from './esp.ts';
import { WIPE_EDGE_BYTES } from './limits.ts';
import { ESP_LAYOUT, ESP_MARKER, ESP_SCRIPT } from './paths.ts';

/** What a disk carries already. Only `none` may be overwritten without being told to. */
export type Installation =
  /** A foreign or blank disk, or an installation that was cut short: starting over is what was asked for. */
  | { kind: 'none' }
  | { kind: 'finished'; version: string }
  /** One of ours, and it cannot be told whether it was finished. */
  | { kind: 'unknown'; reason: string };

const NONE: Installation = { kind: 'none' };

/**
 * Looks at the partition table, and only where that is ours at the start of the data partition and at the ESP; a foreign disk
 * is not probed.
 *
 * The order of an installation (execute.ts) tells the rest: it zeroes the start of the data partition first and fills it when
 * the ESP has all its files but the marker. So zeros there mean that there is nothing to lose, and an ESP that misses
 * more than the marker, or cannot be read, was damaged later.
 *
 * @throws BulkheadError INSTALL_DISK_ERROR, INSTALL_DISK_STALLED when the disk itself cannot be read
 */
export async function findInstallation(disk: Disk, effects: InstallEffects): Promise<Installation> {
  const path = `/dev/${disk.name}`;
  const read = (offset: number, size: number) => readRange(effects.open, path, 'read', offset, size);
  const entries = (await readGpt(read, disk.sector_bytes, 1))?.entries ?? [];
  const entryOf = (label: string) => entries.find((entry) => entry.label === label);
  const [esp, data] = [entryOf(ESP_LABEL), entryOf(DATA_LABEL)];
  if (!esp || !data || !entryOf(SLOT_LABELS.A) || !entryOf(SLOT_LABELS.B)) return NONE;
  if ((await read(data.start_bytes, WIPE_EDGE_BYTES)).every((byte) => byte === 0)) return NONE;
  try {
    return await readInstalledEsp(partitionPath(path, esp.number), effects);
  } catch (error) {
    return { kind: 'unknown', reason: `its ESP cannot be read: ${describeError(error)}` };
  }
}

async function readInstalledEsp(node: string, effects: InstallEffects): Promise<Installation> {
  const names = new Set<string>();
  for (const folder of ['/', '/bulkhead']) {
    for (const name of await listFatFolder(effects, node, folder))
      names.add(folder === '/' ? `/${name}` : `${folder}/${name}`);
  }
  if (names.has(ESP_MARKER)) {
    const marker = parseEnvBlock(await readEspFile(effects, node, ESP_MARKER));
    return { kind: 'finished', version: marker?.['installed_version'] ?? 'unknown' };
  }
  const missing = [`/${BOOT_STATE_FILE}`, ESP_SCRIPT, ESP_LAYOUT].filter((name) => !names.has(name));
  if (missing.length === 0) return NONE;
  return { kind: 'unknown', reason: `its ESP is damaged: ${missing.join(', ')} not found` };
}

/** @throws BulkheadError INSTALL_ALREADY_INSTALLED, INSTALL_STATE_UNKNOWN */
export async function refuseInstalled(disk: Disk, effects: InstallEffects): Promise<void> {
  const found = await findInstallation(disk, effects);
  if (found.kind === 'none') return;
  const over =
    'to install over it, and over its data, choose that in the menu of the stick (Esc while it counts down), or put ' +
    'an empty file REINSTALL beside config.yaml on the stick';
  if (found.kind === 'finished') {
    throw new BulkheadError(
      'INSTALL_ALREADY_INSTALLED',
      `/dev/${disk.name} already carries a finished installation (version ${found.version}); nothing was changed`,
      { hint: `remove the stick and start the machine; ${over}` },
    );
  }
  throw new BulkheadError(
    'INSTALL_STATE_UNKNOWN',
    `/dev/${disk.name} carries an appliance with data, and ${found.reason}; nothing was changed`,
    { hint: `remove the stick and see whether the machine starts; ${over}` },
  );
}
