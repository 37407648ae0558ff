import { BulkheadError } from '../base/errors.ts';
import type { Disk, Transport } from './disks.ts';
import { TARGET_MIN_BYTES } from './target-limits.ts';

/** Where the initrd mounts the installation medium. */
export const LIVE_MEDIUM_MOUNT = '/run/media';

/** What was asked for by `target=`. */
export type TargetWish =
  | { by: 'name'; name: string }
  | { by: 'serial'; serial: string }
  | { by: 'id'; id: string }
  | { by: 'bus'; bus: Transport }
  | { by: 'size'; order: 'largest' | 'smallest' };

export interface DiskVerdict {
  disk: Disk;
  /** Null: could be installed on. */
  refusal: string | null;
}

export interface TargetChoice {
  /** Null when there is none; `reason` then says why. */
  target: Disk | null;
  reason: string;
  /** Every disk that was seen, in the order in which it was considered. */
  verdicts: DiskVerdict[];
}

const BUSES: readonly Transport[] = ['nvme', 'sata', 'mmc', 'virtio', 'scsi', 'usb'];
/** Of equally large disks the faster bus wins. */
const BUS_ORDER: readonly Transport[] = [
  'nvme',
  'sata',
  'mmc',
  'virtio',
  'scsi',
  'unknown',
  'usb',
  'virtual',
];

/**
 * Reads `target=`: `/dev/nvme0n1` or `nvme0n1`, `serial:S4EVNX0N`, `/dev/disk/by-id/ata-…`, a bus (`nvme`, `sata`, `mmc`,
 * `virtio`, `scsi`, `usb`: the largest disk there), `largest` or `smallest`.
 *
 * @throws BulkheadError TARGET_WISH_INVALID
 */
export function parseTargetWish(text: string): TargetWish {
  const bus = BUSES.find((known) => known === text);
  if (bus) return { by: 'bus', bus };
  if (text === 'largest' || text === 'smallest') return { by: 'size', order: text };
  const serial = /^serial:(.{1,64})$/.exec(text)?.[1]?.trim();
  if (serial) return { by: 'serial', serial };
  const id = /^\/dev\/disk\/by-id\/([^/\s]{4,128})$/.exec(text)?.[1];
  if (id) return { by: 'id', id };
  const name = /^(?:\/dev\/)?([a-z][a-z0-9-]{1,31})$/.exec(text)?.[1];
  if (name) return { by: 'name', name };
  throw new BulkheadError('TARGET_WISH_INVALID', `'${text}' names no disk`, {
    hint: `give a device (/dev/sda), serial:NUMBER, /dev/disk/by-id/NAME, a bus (${BUSES.join(', ')}), largest or smallest`,
  });
}

/**
 * Chooses the disk to install on. Without a wish: the largest real, writable disk of at least TARGET_MIN_BYTES that nothing
 * is mounted from and that is not attached by USB. A wish narrows the choice and allows USB and loop devices when it
 * names them; it never allows a disk that is in use.
 */
export function chooseTarget(allDisks: readonly Disk[], wish: TargetWish | null): TargetChoice {
  // Unused loop and RAM devices are always there; telling of each of them would hide what matters.
  const disks = allDisks.filter((disk) => disk.size_bytes > 0 || disk.transport !== 'virtual');
  const wished = wish === null ? disks : disks.filter((disk) => matches(disk, wish));
  const smallestFirst = wish?.by === 'size' && wish.order === 'smallest';
  const verdicts = disks
    .map((disk) => ({
      disk,
      refusal: wished.includes(disk)
        ? refusalOf(disk, wish)
        : `not what was asked for (${describeWish(wish)})`,
    }))
    .sort((one, other) => compareDisks(one.disk, other.disk, smallestFirst));
  const eligible = verdicts.filter((verdict) => verdict.refusal === null).map((verdict) => verdict.disk);
  const [first] = eligible;
  if (!first) return { target: null, reason: noneReason(wished, wish), verdicts };
  if ((wish?.by === 'serial' || wish?.by === 'id') && eligible.length > 1) {
    const names = eligible.map((disk) => disk.name).join(', ');
    return { target: null, reason: `${describeWish(wish)} fits more than one disk: ${names}`, verdicts };
  }
  return { target: first, reason: winReason(first, eligible, wish), verdicts };
}

function matches(disk: Disk, wish: TargetWish): boolean {
  switch (wish.by) {
    case 'name':
      return disk.name === wish.name;
    case 'serial':
      return disk.serial?.toLowerCase() === wish.serial.toLowerCase();
    case 'id': {
      // udev ends these names in the serial number, blanks as underscores, NVMe with the name space behind it.
      const serial = disk.serial?.replace(/\s+/g, '_').toLowerCase();
      const id = wish.id.toLowerCase();
      return (
        serial !== undefined &&
        serial.length >= 4 &&
        (id.endsWith(`_${serial}`) || id.endsWith(`_${serial}_1`))
      );
    }
    case 'bus':
      return disk.transport === wish.bus;
    case 'size':
      return true;
  }
}

function refusalOf(disk: Disk, wish: TargetWish | null): string | null {
  if (disk.mounts.includes(LIVE_MEDIUM_MOUNT)) return 'the medium this system runs from';
  const named = wish?.by === 'name' || wish?.by === 'serial' || wish?.by === 'id';
  if (disk.kind !== 'disk' && !(disk.kind === 'loop' && named)) return KIND_WORDS[disk.kind];
  if (disk.mounts.length > 0) return `in use: ${disk.mounts.slice(0, 3).join(', ')}`;
  if (disk.holders.length > 0) return `in use by ${disk.holders.join(', ')}`;
  if (disk.transport === 'usb' && !named && !(wish?.by === 'bus' && wish.bus === 'usb')) {
    return 'attached by USB, and not asked for by name';
  }
  if (disk.readOnly) return 'read-only';
  if (disk.size_bytes === 0) return 'empty: no medium in the reader';
  if (disk.size_bytes < TARGET_MIN_BYTES) return tooSmall(disk.size_bytes);
  return null;
}

/** In bytes: disks of "8 GB" miss the limit by little, and a rounded number would contradict itself. */
function tooSmall(size_bytes: number): string {
  const [has, needs] = [size_bytes, TARGET_MIN_BYTES].map((size) => size.toLocaleString('en'));
  return `too small: ${has} bytes, at least ${needs} are needed`;
}

const KIND_WORDS: Readonly<Record<Exclude<Disk['kind'], 'disk'>, string>> = {
  optical: 'an optical drive',
  floppy: 'a floppy drive',
  loop: 'a loop device, and not asked for by name',
  ram: 'a RAM disk',
  zram: 'compressed memory',
  mapped: 'built on other disks',
  raid: 'built on other disks',
  network: 'a network disk',
  'mmc-boot': 'the boot or key area of an eMMC',
};

function compareDisks(one: Disk, other: Disk, smallestFirst: boolean): number {
  const bySize = other.size_bytes - one.size_bytes;
  return (
    (smallestFirst ? -bySize : bySize) ||
    BUS_ORDER.indexOf(one.transport) - BUS_ORDER.indexOf(other.transport) ||
    one.name.localeCompare(other.name, 'en', { numeric: true })
  );
}

function winReason(target: Disk, eligible: readonly Disk[], wish: TargetWish | null): string {
  if (wish && wish.by !== 'bus' && wish.by !== 'size') return `asked for: ${describeWish(wish)}`;
  const where = wish?.by === 'bus' ? ` at ${wish.bus}` : '';
  if (eligible.length === 1) return `the only disk${where} that can be used`;
  if (wish?.by === 'size' && wish.order === 'smallest') return `the smallest of ${eligible.length} disks`;
  const equals = eligible.filter((disk) => disk.size_bytes === target.size_bytes).length;
  const among = `the largest of ${eligible.length} disks${where}`;
  return equals > 1 ? `${among}, first by bus and name among ${equals} equally large` : among;
}

function noneReason(wished: readonly Disk[], wish: TargetWish | null): string {
  if (wish === null) return 'no disk of this machine can be used';
  if (wished.length > 0) return `${describeWish(wish)} cannot be used`;
  if (wish.by === 'name' && /^(nvme\d+n\d+p|mmcblk\d+p|[a-z]+)\d+$/.test(wish.name)) {
    return `there is no disk ${wish.name}; if it is a partition, name its whole disk`;
  }
  return `there is no disk that fits ${describeWish(wish)}`;
}

function describeWish(wish: TargetWish | null): string {
  if (wish === null) return 'nothing';
  switch (wish.by) {
    case 'name':
      return `/dev/${wish.name}`;
    case 'serial':
      return `serial:${wish.serial}`;
    case 'id':
      return `/dev/disk/by-id/${wish.id}`;
    case 'bus':
      return wish.bus;
    case 'size':
      return wish.order;
  }
}

/** `/dev/sda  256.1 GB  sata  SAMSUNG MZ7LN256  serial S2…` */
export function describeDisk(disk: Disk): string {
  return [
    `/dev/${disk.name}`,
    gigabytes(disk.size_bytes),
    disk.transport,
    disk.model ?? 'no model name',
    ...(disk.serial === null ? [] : [`serial ${disk.serial}`]),
  ].join('  ');
}

/** The whole consideration as lines for a person: every disk, and why or why not. */
export function renderChoice(choice: TargetChoice): string {
  const head = choice.target ? `target: /dev/${choice.target.name}` : `no target: ${choice.reason}`;
  return `${head}\n${renderVerdicts(choice)}`;
}

/** Every disk on two lines: what it is, and why it was taken or not. */
export function renderVerdicts(choice: TargetChoice): string {
  const lines = choice.verdicts.map(({ disk, refusal }) => {
    const mark = disk === choice.target ? '->' : '  ';
    const why = disk === choice.target ? choice.reason : (refusal ?? 'could be used, another came first');
    return `${mark} ${describeDisk(disk)}\n      ${why}`;
  });
  return lines.length === 0 ? '   no disk was found at all' : lines.join('\n');
}

function gigabytes(size_bytes: number): string {
  return `${(size_bytes / 1e9).toFixed(1)} GB`;
}
