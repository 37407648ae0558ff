import { BulkheadError } from '../../base/errors.ts';
import { SECTOR_BYTES } from '../../partitions/slot-blob.ts';
import type { BundleManifest } from '../bundle/manifest.ts';
import type { SlotBuffer } from './slot-buffer.ts';
import type { SlotDevice } from './slot-device.ts';
import { describeEnd } from './slot-end.ts';
import { checkSelfDescription, type SlotShape } from './slot-shape.ts';
import type { SlotWriter } from './slot-writer.ts';
import { stretchDigest, type WrittenStretch } from './written-stretch.ts';

/**
 * Ends a slot whose data area was written: tree and tail, an uncached read-back of everything, and only then the first
 * block, which makes a slot of it.
 *
 * @param onReadBack bytes that were read back so far; what it throws ends the slot without its header
 * @throws BulkheadError UPDATE_ROOT_HASH_MISMATCH, UPDATE_TAIL_MISMATCH, UPDATE_SLOT_INCOHERENT, UPDATE_READ_BACK_DIFFERS
 */
export async function finishSlot(
  device: SlotDevice,
  writer: SlotWriter,
  manifest: BundleManifest,
  shape: SlotShape,
  onReadBack: (done_bytes: number) => void = () => {},
): Promise<void> {
  const salt = Buffer.from(manifest.slot.salt, 'hex');
  const { leaves, firstBlock, tail } = writer;
  const { root_hash, parts } = describeEnd(leaves, tail, salt);
  if (root_hash !== manifest.slot.root_hash) {
    throw new BulkheadError(
      'UPDATE_ROOT_HASH_MISMATCH',
      `the data that was written has root hash ${root_hash}, ${manifest.slot.root_hash} was signed`,
    );
  }
  checkSelfDescription(manifest, shape, firstBlock, tail);
  await writer.onDisk();
  const buffers = writer.buffers();
  const [{ bytes: buffer }] = buffers;
  await writeParts(device, buffer, shape.data_bytes, parts);
  // The first block without its header: then the header alone is what comes last, and a disk may tear that write anywhere.
  await writeParts(device, buffer, 0, [Uint8Array.from(firstBlock).fill(0, 0, SECTOR_BYTES)]);
  await device.flush();
  await readBackData(device, buffers, writer.stretches, onReadBack);
  await readBackParts(device, buffer, shape.data_bytes, parts);
  await writeParts(device, buffer, 0, [firstBlock]);
  await device.flush();
  await readBackParts(device, buffer, 0, [firstBlock]);
}

/** @param parts each a whole number of blocks */
async function writeParts(
  device: SlotDevice,
  buffer: Uint8Array,
  offset_bytes: number,
  parts: readonly Uint8Array[],
): Promise<void> {
  for (const [at_bytes, part] of inSteps(parts, offset_bytes, buffer.length)) {
    buffer.set(part);
    await device.write(at_bytes, buffer.subarray(0, part.length));
  }
}

/** Parts that lie one behind the other from `offset_bytes` on, cut to what a buffer holds. */
function* inSteps(
  parts: readonly Uint8Array[],
  offset_bytes: number,
  step_bytes: number,
): Generator<[at_bytes: number, part: Uint8Array]> {
  let at_bytes = offset_bytes;
  for (const part of parts) {
    for (let done_bytes = 0; done_bytes < part.length; done_bytes += step_bytes)
      yield [at_bytes + done_bytes, part.subarray(done_bytes, done_bytes + step_bytes)];
    at_bytes += part.length;
  }
}

/** While one buffer is compared the others are being read. The first block is not there yet. */
async function readBackData(
  device: SlotDevice,
  buffers: readonly SlotBuffer[],
  stretches: readonly WrittenStretch[],
  onReadBack: (done_bytes: number) => void,
): Promise<void> {
  const read = (at: number) => {
    const [stretch, buffer] = [stretches[at], buffers[at % buffers.length]];
    if (!stretch || !buffer) return undefined;
    const bytes = buffer.bytes.subarray(0, stretch.end_bytes - stretch.start_bytes);
    const done = device.read(stretch.start_bytes, bytes);
    // Thrown where it is awaited; until then it must not count as nobody's.
    done.catch(() => {});
    return { stretch, bytes, done };
  };
  const ahead = buffers.slice(1).map((_, at) => read(at));
  for (let at = ahead.length, next = ahead.shift(); next; next = ahead.shift(), at += 1) {
    await next.done;
    ahead.push(read(at));
    if (stretchDigest(next.bytes) !== next.stretch.digest) throw differs(device, next.stretch.start_bytes);
    onReadBack(next.stretch.end_bytes);
  }
}

async function readBackParts(
  device: SlotDevice,
  buffer: Uint8Array,
  offset_bytes: number,
  parts: readonly Uint8Array[],
): Promise<void> {
  for (const [at_bytes, wanted] of inSteps(parts, offset_bytes, buffer.length)) {
    const found = buffer.subarray(0, wanted.length);
    await device.read(at_bytes, found);
    if (Buffer.compare(found, wanted) !== 0) throw differs(device, at_bytes);
  }
}

function differs(device: SlotDevice, at_bytes: number): BulkheadError {
  return new BulkheadError(
    'UPDATE_READ_BACK_DIFFERS',
    `${device.path} took the slot but reads back something else near byte ${at_bytes}`,
    { hint: 'the disk is failing; the slot was not armed' },
  );
}
