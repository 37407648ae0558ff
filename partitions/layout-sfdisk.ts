import { type DiskLayout, PARTITION_ROLES, type PartitionRole } from './layout.ts';
import { TABLE_RESERVE_BYTES } from './layout-limits.ts';

/** The identifiers of one installation, lower case. New ones each time, so no two disks can be mistaken for each other. */
export type LayoutIds = Readonly<Record<PartitionRole | 'disk', string>>;

/** @param randomUuid gives a fresh version 4 UUID, e.g. `crypto.randomUUID` */
export function newLayoutIds(randomUuid: () => string): LayoutIds {
  const next = () => randomUuid().toLowerCase();
  return { disk: next(), esp: next(), A: next(), B: next(), data: next() };
}

/** The script that `sfdisk DISK` reads from its standard input (sfdisk(8), "Named-fields format"). */
export function renderSfdiskScript(layout: DiskLayout, ids: LayoutIds): string {
  const sectors = (size_bytes: number) => size_bytes / layout.sector_bytes;
  const header = [
    'label: gpt',
    `label-id: ${ids.disk}`,
    'unit: sectors',
    `first-lba: ${sectors(TABLE_RESERVE_BYTES)}`,
    '',
  ];
  const rows = PARTITION_ROLES.map((role) => {
    const { start_bytes, size_bytes, typeGuid, label, attributeBits } = layout.partitions[role];
    const attributes = attributeBits.length === 0 ? '' : `, attrs="GUID:${attributeBits.join(',')}"`;
    return (
      `start=${sectors(start_bytes)}, size=${sectors(size_bytes)}, type=${typeGuid}, ` +
      `uuid=${ids[role]}, name="${label}"${attributes}`
    );
  });
  return `${[...header, ...rows].join('\n')}\n`;
}
