import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Disk } from '../../partitions/disks.ts';
import { readRange } from './block-device.ts';
import type { InstallEffects } from './effects.ts';
import { listFatFolder, readEspFile } from './esp.ts';
import { findFatVolumes } from './fat-volumes.ts';
import type { ConfigFile } from './job.ts';
import { CONFIG_MAX_BYTES } from './limits.ts';
import { CONFIG_NAME, MEDIUM_MOUNT } from './paths.ts';

/**
 * Where a technician may have put config.yaml: the medium itself first, then other sticks. Only what is attached by USB
 * counts as a stick; the contents of internal disks are nobody's business here.
 */
export function configPlaces(disks: readonly Disk[]): Disk[] {
  const medium = disks.filter((disk) => isMedium(disk));
  const sticks = disks.filter((disk) => !isMedium(disk) && disk.transport === 'usb' && disk.size_bytes > 0);
  return [...medium, ...sticks];
}

function isMedium(disk: Disk): boolean {
  return disk.mounts.includes(MEDIUM_MOUNT) && disk.transport !== 'virtual';
}

/**
 * Finds config.yaml without mounting anything. The medium's own file wins; of other sticks only one may carry a file,
 * because a guess between two would be right half of the time.
 *
 * @returns null when there is none
 * @throws BulkheadError INSTALL_CONFIG_UNREADABLE, INSTALL_CONFIG_INVALID
 */
export async function findStickConfig(
  disks: readonly Disk[],
  effects: InstallEffects,
): Promise<ConfigFile | null> {
  const found: ConfigFile[] = [];
  for (const disk of configPlaces(disks)) {
    try {
      found.push(...(await configsOn(disk, effects)));
    } catch (error) {
      if (isMedium(disk) || (error instanceof BulkheadError && error.code.startsWith('INSTALL_CONFIG')))
        throw error;
      // Somebody's broken stick in the next port is no reason to stop, but one to mention.
      effects.emit({ event: 'note', text: `/dev/${disk.name} was not searched: ${describeError(error)}` });
    }
    if (isMedium(disk) && found.length === 1) break;
  }
  if (found.length > 1) {
    throw new BulkheadError(
      'INSTALL_CONFIG_INVALID',
      `there is more than one ${CONFIG_NAME}: ${found.map((file) => file.source).join(', ')}`,
      { hint: 'leave only one stick with a configuration in the machine' },
    );
  }
  return found[0] ?? null;
}

async function configsOn(disk: Disk, effects: InstallEffects): Promise<ConfigFile[]> {
  const path = `/dev/${disk.name}`;
  const read = (offset_bytes: number, size_bytes: number) =>
    readRange(effects.open, path, 'read-cached', offset_bytes, size_bytes);
  const files: ConfigFile[] = [];
  for (const { offset_bytes, label } of await findFatVolumes(read, disk.sector_bytes)) {
    const volume = `${path}@@${offset_bytes}`;
    const where = `${path}${label === '' ? '' : ` (${label})`}`;
    const names = await listFatFolder(effects, volume, '/').catch((cause: unknown) => {
      throw unreadable(`the FAT file system on ${where} cannot be listed`, cause);
    });
    const name = names.find((entry) => entry.toLowerCase() === CONFIG_NAME);
    const nearly = names.find((entry) => /^config\.(yml|ya?ml\.txt|txt|json)$/i.test(entry));
    if (name !== undefined) {
      files.push({ text: await readText(effects, volume, name, where), source: `${where}: ${CONFIG_NAME}` });
    } else if (nearly !== undefined) {
      throw new BulkheadError('INSTALL_CONFIG_INVALID', `${where} has a '${nearly}', which is not read`, {
        hint: `name it ${CONFIG_NAME} (Windows hides the ending .txt), or remove it`,
      });
    }
  }
  return files;
}

async function readText(
  effects: InstallEffects,
  volume: string,
  name: string,
  where: string,
): Promise<string> {
  const bytes = await readEspFile(effects, volume, `/${name}`).catch((cause: unknown) => {
    throw unreadable(`${CONFIG_NAME} on ${where} cannot be read`, cause);
  });
  if (bytes.length > CONFIG_MAX_BYTES) {
    throw new BulkheadError(
      'INSTALL_CONFIG_INVALID',
      `${CONFIG_NAME} on ${where} has ${bytes.length} bytes, at most ${CONFIG_MAX_BYTES} are read`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BulkheadError('INSTALL_CONFIG_INVALID', `${CONFIG_NAME} on ${where} is not UTF-8 text`, {
      cause,
      hint: 'save it as UTF-8',
    });
  }
}

function unreadable(message: string, cause: unknown): BulkheadError {
  return new BulkheadError('INSTALL_CONFIG_UNREADABLE', message, { cause });
}
