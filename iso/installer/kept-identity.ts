import { createHash } from 'node:crypto';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { alignedBuffer } from '../../base/direct-io.ts';
import { BulkheadError } from '../../base/errors.ts';
import { readGpt } from '../../partitions/layout-gpt.ts';
import { DATA_LABEL } from '../../partitions/layout-names.ts';
import { readRange } from './block-device.ts';
import type { InstallEffects } from './effects.ts';
import { type IdentityFile, readIdentity } from './identity.ts';
import { findInstallation } from './installed-before.ts';
import type { InstallJob } from './job.ts';
import { COPY_CHUNK_BYTES, KEPT_BLOCK_BYTES, KEPT_MAX_BYTES, KEPT_OFFSET_BYTES } from './limits.ts';

/**
 * The identity that is to be kept, put down on the disk itself while everything else is made anew: from the wipe to the
 * finished data partition it would otherwise be in memory alone, and a power cut, a bad stick or a bad disk would lose it. It
 * lies in slot B behind what the wipe zeroes, where no step of an installation writes, and is erased before the mark of a
 * finished one. One block of head (size and SHA-256 of the rest), then the files as JSON.
 */

const Head = t.Object({
  bulkhead_kept_identity: t.Literal(1),
  size_bytes: t.Integer({ minimum: 1, maximum: KEPT_MAX_BYTES - KEPT_BLOCK_BYTES }),
  sha256: t.String(),
});

const Kept = t.Array(
  t.Object({
    path: t.String(),
    mode: t.Integer(),
    userId: t.Integer(),
    groupId: t.Integer(),
    content: t.Union([t.String({ description: 'base64' }), t.Null()]),
  }),
);

/**
 * The identity to keep: of the data partition where an installation is finished, otherwise what an installation that was
 * cut short had put down, and only then whatever the data partition may still have.
 *
 * @returns null when there is none
 * @throws BulkheadError INSTALL_IDENTITY_UNREADABLE
 */
export async function findIdentity(job: InstallJob, effects: InstallEffects): Promise<IdentityFile[] | null> {
  const { kind } = await findInstallation(job.target, effects);
  const kept = kind === 'finished' ? null : await readKept(job, effects);
  return kept ?? (await readIdentity(job, effects));
}

/**
 * Puts the identity down and reads it back, before anything else is written. Not where an older layout has its data
 * partition: what is kept must not damage what it is kept from.
 *
 * @returns whether it was
 * @throws BulkheadError INSTALL_DISK_BUSY, INSTALL_READ_BACK_DIFFERS and those of the device
 */
export async function putDown(
  job: InstallJob,
  effects: InstallEffects,
  identity: readonly IdentityFile[],
): Promise<boolean> {
  const files: Static<typeof Kept> = identity.map(({ content, ...file }) => ({
    ...file,
    content: content === null ? null : Buffer.from(content).toString('base64'),
  }));
  const body = Buffer.from(JSON.stringify(files));
  const start_bytes = placeOf(job);
  if (body.length > KEPT_MAX_BYTES - KEPT_BLOCK_BYTES || (await overlapsData(job, effects))) return false;
  const disk = effects.open(job.path, 'write-exclusive');
  try {
    await disk.write(wholeBlocks(body), start_bytes + KEPT_BLOCK_BYTES);
    await disk.flush();
    const head: Static<typeof Head> = {
      bulkhead_kept_identity: 1,
      size_bytes: body.length,
      sha256: sha256(body),
    };
    await disk.write(wholeBlocks(Buffer.from(JSON.stringify(head))), start_bytes);
    await disk.flush();
  } finally {
    await disk.close();
  }
  if ((await readKept(job, effects)) !== null) return true;
  throw new BulkheadError('INSTALL_READ_BACK_DIFFERS', `${job.path} does not hold what was written to it`, {
    hint: 'nothing but the empty slot was changed; the disk is failing: replace it',
  });
}

/** Erases what was put down, with the keys in it. */
export async function eraseKept(job: InstallJob, effects: InstallEffects): Promise<void> {
  const zeros = alignedBuffer(COPY_CHUNK_BYTES);
  const disk = effects.open(job.path, 'write');
  try {
    for (let at = 0; at < KEPT_MAX_BYTES; at += zeros.length) await disk.write(zeros, placeOf(job) + at);
    await disk.flush();
  } finally {
    await disk.close();
  }
}

/** Null when nothing whole lies there. */
async function readKept(job: InstallJob, effects: InstallEffects): Promise<IdentityFile[] | null> {
  const start_bytes = placeOf(job);
  const block = await readRange(effects.open, job.path, 'read', start_bytes, KEPT_BLOCK_BYTES);
  const head = parse(block);
  if (!Value.Check(Head, head)) return null;
  const size_bytes = Math.ceil(head.size_bytes / KEPT_BLOCK_BYTES) * KEPT_BLOCK_BYTES;
  const from_bytes = start_bytes + KEPT_BLOCK_BYTES;
  const stored = await readRange(effects.open, job.path, 'read', from_bytes, size_bytes);
  const body = stored.subarray(0, head.size_bytes);
  if (sha256(body) !== head.sha256) return null;
  const files = parse(body);
  if (!Value.Check(Kept, files)) return null;
  return files.map(({ content, ...file }) => ({
    ...file,
    content: content === null ? null : Uint8Array.from(Buffer.from(content, 'base64')),
  }));
}

async function overlapsData(job: InstallJob, effects: InstallEffects): Promise<boolean> {
  const { sector_bytes } = job.layout;
  const read = (offset: number, size: number) => readRange(effects.open, job.path, 'read', offset, size);
  const data = (await readGpt(read, sector_bytes, 1))?.entries.find(({ label }) => label === DATA_LABEL);
  if (!data) return false;
  const start_bytes = placeOf(job);
  return data.start_bytes < start_bytes + KEPT_MAX_BYTES && start_bytes < data.start_bytes + data.size_bytes;
}

const placeOf = (job: InstallJob) => job.layout.partitions.B.start_bytes + KEPT_OFFSET_BYTES;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function wholeBlocks(bytes: Uint8Array): Uint8Array {
  const blocks = alignedBuffer(Math.ceil(bytes.length / KEPT_BLOCK_BYTES) * KEPT_BLOCK_BYTES);
  blocks.set(bytes);
  return blocks;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8').replace(/\0+$/, ''));
  } catch {
    return undefined;
  }
}
