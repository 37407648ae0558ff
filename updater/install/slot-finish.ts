import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES } from '../../partitions/verity-tree.ts';
import type { BundleManifest } from '../bundle/manifest.ts';
import { WRITE_BUFFER_BYTES } from '../limits.ts';
import { BlockHasher, type SlotBuffer } from './slot-buffer.ts';
import type { SlotDevice } from './slot-device.ts';
import { describeEnd } from './slot-end.ts';
import { checkSelfDescription, type SlotShape } from './slot-shape.ts';
import type { SlotWriter } from './slot-writer.ts';

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
  await writer.settle();
  const buffers = writer.buffers();
  const buffer = buffers[0].bytes;
  await writeParts(device, buffer, shape.data_bytes, parts);
  // The first block without its header: then the header alone is what comes last, and a disk may tear that write anywhere.
  await writeParts(device, buffer, 0, [Uint8Array.from(firstBlock).fill(0, 0, SECTOR_BYTES)]);
  await device.flush();
  await readBackData(device, buffers, shape, salt, leaves, onReadBack);
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

/** Two buffers: one is read while the other is hashed. The first block is not there yet. */
async function readBackData(
  device: SlotDevice,
  buffers: readonly [SlotBuffer, SlotBuffer],
  shape: SlotShape,
  salt: Uint8Array,
  leaves: Uint8Array,
  onReadBack: (done_bytes: number) => void,
): Promise<void> {
  const hasher = new BlockHasher(salt);
  const hashes = new Uint8Array((WRITE_BUFFER_BYTES / BLOCK_BYTES) * HASH_BYTES);
  let [buffer, spare] = buffers;
  const lengthAt = (start_bytes: number) => Math.min(WRITE_BUFFER_BYTES, shape.data_bytes - start_bytes);
  let start_bytes = BLOCK_BYTES;
  if (start_bytes >= shape.data_bytes) return;
  let reading = device.read(start_bytes, buffer.bytes.subarray(0, lengthAt(start_bytes)));
  try {
    while (start_bytes < shape.data_bytes) {
      await reading;
      const next_bytes = start_bytes + lengthAt(start_bytes);
      if (next_bytes < shape.data_bytes) {
        reading = device.read(next_bytes, spare.bytes.subarray(0, lengthAt(next_bytes)));
        // Thrown where it is awaited; until then it must not count as nobody's.
        reading.catch(() => {});
      }
      const count = (next_bytes - start_bytes) / BLOCK_BYTES;
      hasher.hash(buffer, count, hashes, 0);
      const place = (start_bytes / BLOCK_BYTES) * HASH_BYTES;
      const count_bytes = count * HASH_BYTES;
      const wanted = leaves.subarray(place, place + count_bytes);
      if (Buffer.compare(wanted, hashes.subarray(0, count_bytes)) !== 0) throw differs(device, start_bytes);
      onReadBack(next_bytes);
      [buffer, spare] = [spare, buffer];
      start_bytes = next_bytes;
    }
  } finally {
    // Whoever leaves early closes the device next, and nothing may still be reading into the buffers.
    await reading.catch(() => {});
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
