import { BulkheadError } from '../../base/errors.ts';
import { assertTableIsPlan, readGpt } from '../../partitions/layout-gpt.ts';
import { ESP_LABEL } from '../../partitions/layout-names.ts';
import { FOOTER_BYTES, footerOffset, parseFooter } from '../../partitions/slot-blob.ts';
import { readRange } from './block-device.ts';
import { checkDataPartition } from './data-partition.ts';
import type { InstallEffects } from './effects.ts';
import { compareEspFiles } from './esp.ts';
import type { IdentityFile } from './identity.ts';
import { espFiles, type InstallJob, partitionNode } from './job.ts';
import { SLOT_INVALID_BYTES } from './limits.ts';

/**
 * Looks at the finished disk as if for the first time, from the device and not from memory: both partition tables, the
 * slot's header and footer, the empty slot, the ESP, the data partition. Only after this the marker may be written.
 *
 * @throws BulkheadError LAYOUT_MISMATCH, INSTALL_READ_BACK_DIFFERS, SLOT_FOOTER_DAMAGED
 */
export async function verifyInstallation(
  job: InstallJob,
  effects: InstallEffects,
  record: string,
  identity: readonly IdentityFile[],
): Promise<void> {
  const { layout, ids, path } = job;
  const readDisk = (offset_bytes: number, size_bytes: number) =>
    readRange(effects.open, path, 'read', offset_bytes, size_bytes);
  const lastSector = layout.disk_bytes / layout.sector_bytes - 1;
  assertTableIsPlan(await readGpt(readDisk, layout.sector_bytes, 1), layout, ids, 'primary');
  assertTableIsPlan(await readGpt(readDisk, layout.sector_bytes, lastSector), layout, ids, 'backup');
  await verifySlots(job, effects);
  await verifyEspLabel(job, effects);
  await compareEspFiles(job, effects, espFiles(job));
  await checkDataPartition(job, effects, record, identity);
}

async function verifySlots(job: InstallJob, effects: InstallEffects): Promise<void> {
  const nodeA = partitionNode(job, 'A');
  const header = await readRange(effects.open, nodeA, 'read', 0, 4096);
  const footerStart_bytes = footerOffset(header.subarray(0, 512));
  if (footerStart_bytes === undefined) throw differs(nodeA, 'the slot has no header');
  const footer = await readRange(effects.open, nodeA, 'read', footerStart_bytes, FOOTER_BYTES);
  const { version, verity } = parseFooter(footer);
  const wanted = job.source.manifest;
  if (version !== wanted.version || verity.root_hash !== wanted.verity.root_hash) {
    throw differs(nodeA, `the slot holds version ${version}, ${wanted.version} was written`);
  }
  const nodeB = partitionNode(job, 'B');
  const start = await readRange(effects.open, nodeB, 'read', 0, SLOT_INVALID_BYTES);
  if (start.some((byte) => byte !== 0)) throw differs(nodeB, 'the other slot is not empty');
}

/** FAT32 boot sector, Microsoft FAT specification 1.03: volume label at 71, file system type at 82. */
async function verifyEspLabel(job: InstallJob, effects: InstallEffects): Promise<void> {
  const node = partitionNode(job, 'esp');
  const sector = await readRange(effects.open, node, 'read', 0, job.layout.sector_bytes);
  const text = (start: number, end: number) =>
    new TextDecoder('latin1').decode(sector.subarray(start, end)).trimEnd();
  if (text(82, 90) !== 'FAT32' || text(71, 82) !== ESP_LABEL) {
    throw differs(
      node,
      `it is '${text(82, 90)}' labelled '${text(71, 82)}', FAT32 labelled '${ESP_LABEL}' was written`,
    );
  }
}

function differs(node: string, what: string): BulkheadError {
  return new BulkheadError('INSTALL_READ_BACK_DIFFERS', `${node}: ${what}`, {
    hint: 'the disk is failing: replace it',
  });
}
