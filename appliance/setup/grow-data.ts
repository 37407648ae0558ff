import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { formatBytes } from '../../base/text.ts';
import { type DiskFacts, readDiskFacts } from './disk-facts.ts';
import { GPT_ENTRIES_BYTES, GROW_MIN_BYTES, RESIZE_TIMEOUT_MS } from './limits.ts';

type GrowStep = 'move-backup-table' | 'grow-partition' | 'grow-file-system';

export interface GrowPlan {
  steps: GrowStep[];
  /** Why this and not more, in one sentence. */
  reason: string;
}

/** Decides what has to grow. Nothing but the last partition and its file system is ever changed. */
export function planGrow(facts: DiskFacts): GrowPlan {
  const { partition, partitions, disk_bytes, sector_bytes, backupHeader_bytes, fileSystem_bytes } = facts;
  const steps: GrowStep[] = [];
  let reason = 'the data partition fills the disk';
  let size_bytes = partition.size_bytes;
  if (backupHeader_bytes === null) {
    reason = 'the disk has no GPT that can be read; its partitions are left alone';
  } else if (partitions.some(({ start_bytes }) => start_bytes > partition.start_bytes)) {
    reason = 'another partition lies behind the data partition; the partitions are left alone';
  } else {
    const lastSector_bytes = disk_bytes - sector_bytes;
    if (backupHeader_bytes !== lastSector_bytes) steps.push('move-backup-table');
    const room_bytes = lastSector_bytes - GPT_ENTRIES_BYTES - partition.start_bytes - size_bytes;
    if (room_bytes >= GROW_MIN_BYTES) {
      steps.push('grow-partition');
      size_bytes += room_bytes;
      reason = `${formatBytes(room_bytes)} behind the data partition are unused`;
    }
  }
  if (fileSystem_bytes === null) {
    reason = 'the data partition holds no ext4; nothing is changed';
    return { steps: [], reason };
  }
  if (size_bytes - fileSystem_bytes >= GROW_MIN_BYTES) {
    steps.push('grow-file-system');
    if (!steps.includes('grow-partition'))
      reason += `; its file system is ${formatBytes(size_bytes - fileSystem_bytes)} smaller`;
  } else if (steps.length === 0 && reason === 'the data partition fills the disk') {
    reason = 'the data partition fills the disk, and its file system fills it';
  }
  return { steps, reason };
}

export interface GrowOutcome {
  device: string;
  steps: GrowStep[];
  reason: string;
  before_bytes: number | null;
  after_bytes: number | null;
}

/**
 * Grows the data partition and its mounted file system to the end of the disk. Can be cut off anywhere and called again: each
 * step leaves a valid disk (a GPT has two copies, each with its checksum; ext4 grows in a transaction), and the next
 * call goes on with what is left.
 *
 * @param device the data partition
 * @throws BulkheadError GROW_TABLE_CHANGED when another partition is not as it was, GROW_INCOMPLETE when the sizes do not
 *   come out, COMMAND_FAILED and what `run` throws
 */
export async function growData(device: string, run: Run): Promise<GrowOutcome> {
  const before = readDiskFacts(device);
  const { steps, reason } = planGrow(before);
  const outcome = { device, steps, reason, before_bytes: before.fileSystem_bytes };
  if (steps.length === 0) return { ...outcome, after_bytes: before.fileSystem_bytes };
  const { disk, partition } = before;
  const table = await readTable(disk, run);
  // The disk is in use, so sfdisk must neither ask the kernel to read the table again nor stop because it cannot.
  const online = ['--no-reread', '--no-tell-kernel', '--quiet'];
  const number = String(partition.number);
  if (steps.includes('move-backup-table')) {
    await runOrThrow(run, 'sfdisk', [...online, '--relocate', 'gpt-bak-std', disk]);
  }
  if (steps.includes('grow-partition')) {
    await runOrThrow(run, 'sfdisk', [...online, '-N', number, disk], { input: ',+\n' });
    // Tells the kernel the new size of this one partition (BLKPG_RESIZE_PARTITION), which works while it is mounted.
    await runOrThrow(run, 'partx', ['--update', '--nr', number, disk]);
  }
  if (steps.some((step) => step !== 'grow-file-system')) {
    assertSameTable(table, await readTable(disk, run), partition.start_bytes / before.sector_bytes);
  }
  if (steps.includes('grow-file-system')) {
    await runOrThrow(run, 'resize2fs', [device], { timeout_ms: RESIZE_TIMEOUT_MS });
  }
  const after = readDiskFacts(device);
  const left = planGrow(after);
  if (left.steps.length > 0) {
    throw new BulkheadError(
      'GROW_INCOMPLETE',
      `${device} was to grow, but ${left.reason} (left: ${left.steps.join(', ')})`,
    );
  }
  return { ...outcome, after_bytes: after.fileSystem_bytes };
}

const Table = t.Object({
  partitiontable: t.Object({
    label: t.Literal('gpt'),
    id: t.String(),
    partitions: t.Array(
      t.Object({
        start: t.Integer(),
        size: t.Integer(),
        type: t.String(),
        uuid: t.String(),
        name: t.Optional(t.String()),
      }),
    ),
  }),
});
type Table = Static<typeof Table>;

async function readTable(disk: string, run: Run): Promise<Table> {
  const text = await runOrThrow(run, 'sfdisk', ['--json', disk]);
  const parsed: unknown = JSON.parse(text);
  if (Value.Check(Table, parsed)) return parsed;
  throw new BulkheadError(
    'GROW_TABLE_CHANGED',
    `${disk} has no GPT that sfdisk can describe; nothing was changed`,
  );
}

/** Compares all of two tables but the size of the partition that was to grow, which may not have shrunk. */
function assertSameTable(before: Table, after: Table, start: number): void {
  const shape = ({ partitiontable: { id, partitions } }: Table) =>
    JSON.stringify([
      id,
      partitions.map((entry) => ({ ...entry, size: entry.start === start ? 0 : entry.size })),
    ]);
  const size = (table: Table) =>
    table.partitiontable.partitions.find((entry) => entry.start === start)?.size ?? 0;
  if (shape(before) === shape(after) && size(after) >= size(before)) return;
  throw new BulkheadError(
    'GROW_TABLE_CHANGED',
    'the partition table changed in more than the size of the data partition',
    {
      hint: "look at 'sfdisk --dump' of the disk before the next restart",
    },
  );
}
