import { BulkheadError } from '../../base/errors.ts';
import type { Disk } from '../../partitions/disks.ts';
import { parseEnvBlock } from '../../partitions/env-block.ts';
import { partitionPath } from '../../partitions/layout.ts';
import { readGpt } from '../../partitions/layout-gpt.ts';
import { DATA_LABEL, ESP_LABEL, SLOT_LABELS } from '../../partitions/layout-names.ts';
import { readRange } from './block-device.ts';
import type { InstallEffects } from './effects.ts';
import { readEspFile } from './esp.ts';
import { ESP_MARKER } from './paths.ts';

/**
 * The version of a finished installation on a disk, or null. Looks at the partition table, and only where that is ours at
 * one file of the ESP; a foreign disk is not probed.
 */
export async function installedVersion(disk: Disk, effects: InstallEffects): Promise<string | null> {
  const path = `/dev/${disk.name}`;
  const table = await readGpt(
    (offset, size) => readRange(effects.open, path, 'read', offset, size),
    disk.sector_bytes,
    1,
  );
  const labels = table?.entries.map((entry) => entry.label) ?? [];
  const ours = [ESP_LABEL, SLOT_LABELS.A, SLOT_LABELS.B, DATA_LABEL].every((label) => labels.includes(label));
  const esp = table?.entries.find((entry) => entry.label === ESP_LABEL);
  if (!ours || !esp) return null;
  // No marker, or an ESP that cannot be read: the installation was cut short, and starting over is what was asked for.
  const marker = await readEspFile(effects, partitionPath(path, esp.number), ESP_MARKER).catch(() => null);
  if (marker === null) return null;
  return parseEnvBlock(marker)?.['installed_version'] ?? 'unknown';
}

/** @throws BulkheadError INSTALL_ALREADY_INSTALLED */
export async function refuseInstalled(disk: Disk, effects: InstallEffects): Promise<void> {
  const version = await installedVersion(disk, effects);
  if (version === null) return;
  throw new BulkheadError(
    'INSTALL_ALREADY_INSTALLED',
    `/dev/${disk.name} already carries a finished installation (version ${version}); nothing was changed`,
    {
      hint:
        'remove the stick and start the machine; to install over it, and over its data, put ' +
        "'install: {reinstall: true}' into config.yaml on the stick",
    },
  );
}
