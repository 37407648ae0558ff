import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { alignedBuffer } from '../../base/direct-io.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { InstallEffects } from './effects.ts';
import type { StepId } from './events.ts';
import { type InstallJob, partitionNode } from './job.ts';
import { COPY_CHUNK_BYTES, SLOT_INVALID_BYTES } from './limits.ts';
import { ProgressMeter } from './progress.ts';
import { SlotDigest, type SlotDigestResult } from './slot-digest.ts';

const openAsync = promisify(open);
const readAsync = promisify(read);
const closeAsync = promisify(close);

/**
 * Streams the image into slot A past the page cache, one chunk at a time, and flushes the disk.
 *
 * @returns what was read from the medium, for comparing with what the disk holds
 * @throws BulkheadError INSTALL_MEDIUM_DAMAGED when the medium does not hold what its manifest promises
 */
export async function writeSlot(job: InstallJob, effects: InstallEffects): Promise<SlotDigestResult> {
  const slot = effects.open(partitionNode(job, 'A'), 'write');
  try {
    const result = await readImage(job, effects, 'slot', (chunk, at) => slot.write(chunk, at));
    await slot.flush();
    return result;
  } finally {
    await slot.close();
  }
}

/**
 * Reads all of the image and writes nothing.
 *
 * @throws BulkheadError INSTALL_MEDIUM_DAMAGED
 */
export async function checkImage(job: InstallJob, effects: InstallEffects): Promise<void> {
  await readImage(job, effects, 'identity', async () => undefined);
}

async function readImage(
  job: InstallJob,
  effects: InstallEffects,
  step: StepId,
  take: (chunk: Uint8Array, offset_bytes: number) => Promise<void>,
): Promise<SlotDigestResult> {
  const { manifest, imagePath } = job.source;
  const digest = new SlotDigest(manifest);
  const meter = new ProgressMeter(step, manifest.blob_bytes, effects);
  const buffer = alignedBuffer(COPY_CHUNK_BYTES);
  const image = await openAsync(imagePath, 'r');
  try {
    for (let at = 0; at < manifest.blob_bytes; at += COPY_CHUNK_BYTES) {
      const chunk = buffer.subarray(0, Math.min(COPY_CHUNK_BYTES, manifest.blob_bytes - at));
      await fill(image, chunk, at, imagePath);
      digest.update(chunk);
      await take(chunk, at);
      meter.advance(chunk.length);
    }
  } finally {
    await closeAsync(image);
  }
  const result = digest.finish();
  if (result.rootHash !== manifest.verity.root_hash || !result.treeIntact) {
    throw new BulkheadError(
      'INSTALL_MEDIUM_DAMAGED',
      `the image on the medium does not match its own root hash (${result.rootHash.slice(0, 12)}…, its manifest says ` +
        `${manifest.verity.root_hash.slice(0, 12)}…)`,
      { hint: 'write the medium again or use another stick; the disk is not to blame' },
    );
  }
  return result;
}

async function fill(file: number, chunk: Uint8Array, offset_bytes: number, path: string): Promise<void> {
  let got_bytes = 0;
  while (got_bytes < chunk.length) {
    const at = offset_bytes + got_bytes;
    const { bytesRead } = await readAsync(file, chunk, got_bytes, chunk.length - got_bytes, at).catch(
      (cause: unknown) => {
        throw new BulkheadError('INSTALL_MEDIUM_DAMAGED', `${path} cannot be read at byte ${at}`, {
          cause,
          hint: 'write the medium again or use another stick; the disk is not to blame',
        });
      },
    );
    if (bytesRead === 0) {
      throw new BulkheadError('INSTALL_MEDIUM_DAMAGED', `${path} ends at byte ${at}`, {
        hint: 'write the medium again or use another stick; the disk is not to blame',
      });
    }
    got_bytes += bytesRead;
  }
}

/**
 * Reads slot A back from the device, not from memory, and compares.
 *
 * @throws BulkheadError INSTALL_READ_BACK_DIFFERS
 */
export async function compareSlot(
  job: InstallJob,
  effects: InstallEffects,
  written: SlotDigestResult,
): Promise<void> {
  const { manifest } = job.source;
  const digest = new SlotDigest(manifest);
  const meter = new ProgressMeter('compare', manifest.blob_bytes, effects);
  const buffer = alignedBuffer(COPY_CHUNK_BYTES);
  const node = partitionNode(job, 'A');
  const slot = effects.open(node, 'read');
  try {
    for (let at = 0; at < manifest.blob_bytes; at += COPY_CHUNK_BYTES) {
      const chunk = buffer.subarray(0, Math.min(COPY_CHUNK_BYTES, manifest.blob_bytes - at));
      await slot.read(chunk, at);
      digest.update(chunk);
      meter.advance(chunk.length);
    }
  } finally {
    await slot.close();
  }
  const found = digest.finish();
  const same =
    found.rootHash === written.rootHash && found.treeIntact && found.tail_sha256 === written.tail_sha256;
  if (same) return;
  throw new BulkheadError('INSTALL_READ_BACK_DIFFERS', `${node} does not hold what was written to it`, {
    hint: 'the disk is failing: replace it',
  });
}

/** Slot B holds nothing: without a header neither GRUB nor the updater takes old bytes for an image. */
export async function emptyOtherSlot(job: InstallJob, effects: InstallEffects): Promise<void> {
  const slot = effects.open(partitionNode(job, 'B'), 'write');
  try {
    await slot.write(alignedBuffer(SLOT_INVALID_BYTES), 0);
    await slot.flush();
  } finally {
    await slot.close();
  }
}
