import { alignedBuffer } from '../../base/direct-io.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { Slot } from '../../partitions/slot.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { type BundleManifest, TAIL_BYTES } from '../bundle/manifest.ts';
import { CHECKPOINT_EVERY_BYTES } from '../limits.ts';
import type { Method } from '../state/records.ts';
import { Checkpoints } from './checkpoints.ts';
import { confirmTransfer, type Resumption } from './resume.ts';
import { openSlotDevice, type SlotDevice } from './slot-device.ts';
import { finishSlot } from './slot-finish.ts';
import { slotShape } from './slot-shape.ts';
import { SlotWriter } from './slot-writer.ts';
import { throwIfStopped } from './stopped.ts';
import { readTransfer, TransferJournal, type TransferRecord } from './transfer-journal.ts';

/** A stretch of the target stream, valid until the next one is asked for. */
export interface StreamPart {
  bytes: Uint8Array;
  /** Set behind what was asked for at once: here a transfer may go on later. */
  piece?: {
    /** Pieces taken so far. */
    done: number;
    /** What it cost to fetch those since the last such place, and what those up to the next one will. */
    fetched_bytes: number;
    next_bytes: number;
  };
}

/** One way to the bytes of a slot: data area, then tail, in order, from any piece on. */
export interface TargetStream {
  method: Method;
  /** Digest of the bundle whose pieces are counted. */
  bundle: string;
  manifest: BundleManifest;
  /**
   * @param keptUpToHere waits until what was taken so far is written down: whoever fetches ahead waits for it, so that a
   *        transfer that is killed has little to repeat
   */
  parts(from_piece: number, keptUpToHere?: () => Promise<void>): AsyncIterable<StreamPart>;
}

export interface TransferProgress {
  phase: 'transfer' | 'read-back';
  done_bytes: number;
  total_bytes: number;
  /** Where the transfer went on; 0 when it began anew. */
  resumed_bytes: number;
}

export interface TransferTarget {
  slot: Slot;
  device: string;
  journalFile: string;
  onProgress(progress: TransferProgress): void;
  signal?: AbortSignal | undefined;
}

/**
 * Writes a slot whole: data, tree, tail, read back, and the first block last. When this returns, the bytes of the
 * partition are those of the signed release; when it throws, the slot has no header, and the journal
 * says where to go on. The signal is heeded up to the end of the read-back.
 *
 * @throws BulkheadError UPDATE_STOPPED when the signal came, and whatever stands in the way
 */
export async function transferSlot(stream: TargetStream, target: TransferTarget): Promise<void> {
  const { manifest } = stream;
  // What opening and planning have left behind is not carried along: a megabyte, for some milliseconds.
  Bun.gc(true);
  const shape = slotShape(manifest);
  const salt = Buffer.from(manifest.slot.salt, 'hex');
  const device = await openSlotDevice(target.device);
  try {
    const journal = new TransferJournal(target.journalFile, shape.data_bytes);
    const { bundle, method } = stream;
    const head = { format: 1, bundle, method, slot: target.slot } as const;
    const resumption = await findResumption(device, stream, target);
    journal.begin(head, resumption?.record);
    const writer = new SlotWriter(device, shape, salt, resumption?.stand);
    const checkpoints = new Checkpoints(device, writer, journal);
    try {
      if (!resumption) await clearHeader(device);
      await writeStream(stream, target, writer, checkpoints, resumption);
      const resumed_bytes = resumption?.stand.position_bytes ?? 0;
      await finishSlot(device, writer, manifest, shape, (done_bytes) => {
        const total_bytes = shape.data_bytes;
        target.onProgress({ phase: 'read-back', done_bytes, total_bytes, resumed_bytes });
        throwIfStopped(target.signal);
      });
    } catch (error) {
      await checkpoints.end();
      if (error instanceof BulkheadError && SPOILT.test(error.code)) journal.remove();
      throw error;
    } finally {
      journal.close();
    }
    journal.remove();
  } finally {
    await device.close();
  }
}

/** What is on the disk is wrong as a whole: going on from it would end here again. */
const SPOILT = /^UPDATE_(STREAM_|ROOT_HASH_|TAIL_|SLOT_INCOHERENT|READ_BACK_)/;

/** What is written down about this transfer. The journal counts in pieces, and each way cuts its own: only the same one goes on. */
export function resumableRecord(
  stream: Pick<TargetStream, 'bundle' | 'method'>,
  target: Pick<TransferTarget, 'slot' | 'journalFile'>,
): TransferRecord | undefined {
  const record = readTransfer(target.journalFile);
  if (!record) return undefined;
  const { bundle, method, slot } = record.head;
  return bundle === stream.bundle && method === stream.method && slot === target.slot ? record : undefined;
}

async function findResumption(
  device: SlotDevice,
  stream: TargetStream,
  target: TransferTarget,
): Promise<Resumption | undefined> {
  const record = resumableRecord(stream, target);
  if (!record) return undefined;
  const salt = Buffer.from(stream.manifest.slot.salt, 'hex');
  return confirmTransfer(device, record, slotShape(stream.manifest), salt);
}

/** A slot that is being written is no slot: without its header GRUB passes it over. */
async function clearHeader(device: SlotDevice): Promise<void> {
  await device.write(0, alignedBuffer(BLOCK_BYTES));
  await device.flush();
}

async function writeStream(
  stream: TargetStream,
  target: TransferTarget,
  writer: SlotWriter,
  checkpoints: Checkpoints,
  resumption: Resumption | undefined,
): Promise<void> {
  const total_bytes = stream.manifest.slot.data_bytes + TAIL_BYTES;
  const resumed_bytes = resumption?.stand.position_bytes ?? 0;
  const keptUpToHere = () => checkpoints.kept();
  let unjournalled_bytes = 0;
  for await (const { bytes, piece } of stream.parts(resumption?.pieces ?? 0, keptUpToHere)) {
    await writer.put(bytes);
    target.onProgress({ phase: 'transfer', done_bytes: writer.position_bytes, total_bytes, resumed_bytes });
    if (piece) {
      unjournalled_bytes += piece.fetched_bytes;
      const due = unjournalled_bytes + piece.next_bytes > CHECKPOINT_EVERY_BYTES;
      if (due || target.signal?.aborted) {
        await checkpoints.mark(piece.done);
        unjournalled_bytes = 0;
      }
    }
    throwIfStopped(target.signal);
  }
  if (writer.position_bytes !== total_bytes) {
    throw new BulkheadError(
      'UPDATE_STREAM_TOO_SHORT',
      `the payload yields ${writer.position_bytes} of the ${total_bytes} bytes of the slot`,
    );
  }
  await checkpoints.settle();
}
