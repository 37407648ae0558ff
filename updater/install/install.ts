import { dirname } from 'node:path';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Slot } from '../../partitions/slot.ts';
import type { Allowances, UpdateMachine } from '../admission.ts';
import type { BundleManifest } from '../bundle/manifest.ts';
import type { TrustedKeys } from '../signing/trust.ts';
import type { JsonFile } from '../state/json-file.ts';
import type { Method, PendingUpdate, RebootWish } from '../state/records.ts';
import { requireRoom } from './data-room.ts';
import { type OrderedRelease, requireOrderedSize } from './ordered.ts';
import type { BaseSlotPlace, PricedStream } from './priced-stream.ts';
import type { ReleasePlace } from './release-place.ts';
import { throwIfStopped } from './stopped.ts';
import { type TargetStream, type TransferProgress, transferSlot } from './transfer.ts';
import { ALL_METHODS, openCheapest, orderedWays, requireWithinCap } from './ways.ts';

/** What the caller wants beside the release itself. */
export interface InstallWishes {
  allowed: Allowances;
  /** Ways that may be taken, in this order; all when absent. */
  methods?: readonly Method[];
  reboot: RebootWish;
  /** It is this release that was ordered, and no other. */
  ordered?: OrderedRelease;
}

/** What an update touches. */
export interface InstallTools {
  machine: UpdateMachine;
  target: { slot: Slot; device: string };
  base: BaseSlotPlace;
  trust: {
    /** Replaced when a bundle brings a newer set: it holds for every way from there on. */
    keys: TrustedKeys;
    /** A newer key set came with the bundle and was accepted. */
    store(keys: TrustedKeys): void;
  };
  boot: {
    /** The kernel's id of this boot, for the record. */
    id: string;
    /** Root hash of what the target slot holds, where that is tried on the next boot; null where nothing is. */
    armed(): Promise<string | null>;
    /** The slot stops being one to fall back to; durable. */
    discard(): Promise<void>;
    /** The slot goes on trial, once GRUB's own checks of it were made; durable. */
    arm(): Promise<void>;
  };
  pending: JsonFile<PendingUpdate>;
  journalFile: string;
  now(): Date;
  /** What the whole update may fetch; refused before a byte of payload when it would be more. */
  fetch_max_bytes?: number | undefined;
  /** Bytes that came over the network so far. */
  transferred_bytes(): number;
  onEvent(event: InstallEvent): void;
  signal?: AbortSignal | undefined;
}

export type InstallEvent =
  | { event: 'opened'; version: string }
  | { event: 'chosen'; method: Method; version: string; fetch_bytes: number }
  | ({ event: 'progress'; method: Method; version: string } & TransferProgress)
  | { event: 'method-failed'; method: Method; code: string; message: string };

export interface InstallResult {
  version: string;
  slot: Slot;
  method: Method;
  fetched_bytes: number;
  pending: PendingUpdate;
  /** It was in its slot and armed before this: nothing of it was fetched or written again. */
  already: boolean;
}

/** With these no other way helps: the operator stopped it, or the machine itself is in the way. */
const FINAL =
  /^(UPDATE_STOPPED|UPDATE_STATE_|UPDATE_SLOT_|UPDATE_READ_BACK_|BOOT_|FETCH_DATA_CAP|FETCH_ABORTED)/;
/**
 * How many times later than usual code is compiled. An update waits for line and disk, and its machine code and the compiler that
 * makes it take 4 MB; what a delta is decoded by runs often enough to be compiled all the same.
 */
const COMPILE_LATE = 100;

/**
 * Fetches a release into the standby slot by the cheapest way that works, and puts it on trial. The running slot is
 * only read. Nothing changes before signature and admission have passed.
 *
 * @throws BulkheadError UPDATE_NOT_AS_ORDERED, and of the last way that was tried; the boot state is then as it was, or has one slot less to fall
 *         back to
 */
export async function installRelease(
  place: ReleasePlace,
  wishes: InstallWishes,
  tools: InstallTools,
): Promise<InstallResult> {
  Bun.unsafe.setJITPolicy(COMPILE_LATE);
  if (wishes.ordered) await requireOrderedSize(place.bundle, wishes.ordered);
  const ways = orderedWays(wishes, tools);
  let failure: unknown;
  const givenUp = (method: Method, error: unknown) => {
    ways.delete(method);
    const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
    if (FINAL.test(code)) throw error;
    tools.onEvent({ event: 'method-failed', method, code, message: describeError(error) });
    failure = error;
  };
  for (;;) {
    const way = await openCheapest(ways, place, wishes, tools, givenUp);
    if (!way) break;
    const { method, stream } = way;
    try {
      const result = await alreadyArmed(stream, wishes, tools);
      if (result) return result;
      await fillSlot(stream, tools);
    } catch (error) {
      givenUp(method, error);
      continue;
    } finally {
      await stream.close();
    }
    // The slot is whole: whatever goes wrong from here on, writing it again by another way does not help.
    return await putOnTrial(stream, wishes, tools);
  }
  throw (
    failure ??
    new BulkheadError(
      'UPDATE_NO_WAY',
      `there is no ${(wishes.methods ?? ALL_METHODS).join(' or ')} of ${place.name}`,
      {
        hint: 'leave out --delta-only, or publish a delta from the release that runs',
      },
    )
  );
}

/**
 * The release that is asked for may wait for its reboot since yesterday: whoever asks again every day must not wear disk and line,
 * nor take it back. A wish to reboot is taken over, the lack of one does not take back what was wished before. It is then the update of
 * whoever ordered it last.
 */
async function alreadyArmed(
  stream: TargetStream,
  wishes: InstallWishes,
  tools: InstallTools,
): Promise<InstallResult | undefined> {
  const { version, slot } = stream.manifest;
  const record = tools.pending.read();
  if (record.condition !== 'ok' || record.value.rollback || record.value.method === null) return undefined;
  if (record.value.root_hash !== slot.root_hash || record.value.slot !== tools.target.slot) return undefined;
  if ((await tools.boot.armed()) !== slot.root_hash) return undefined;
  const reboot = wishes.reboot === 'no' ? record.value.reboot : wishes.reboot;
  const pending = { ...record.value, reboot, ...orderOf(wishes) };
  if (reboot !== record.value.reboot || wishes.ordered) tools.pending.write(pending);
  const { method } = record.value;
  const fetched_bytes = tools.transferred_bytes();
  return { version, slot: pending.slot, method, fetched_bytes, pending, already: true };
}

async function fillSlot(stream: PricedStream, tools: InstallTools): Promise<void> {
  const { manifest, method, fetch_bytes } = stream;
  requireWithinCap(stream, tools);
  requireRoom(dirname(tools.journalFile), fetch_bytes);
  tools.onEvent({ event: 'chosen', method, version: manifest.version, fetch_bytes });
  await stream.check?.(tools.signal);
  await tools.boot.discard();
  // What was on its way is given up with the slot it lay in.
  tools.pending.remove();
  await transferSlot(stream, {
    ...tools.target,
    journalFile: tools.journalFile,
    signal: tools.signal,
    onProgress: (progress) =>
      tools.onEvent({ event: 'progress', method, version: manifest.version, ...progress }),
  });
}

async function putOnTrial(
  stream: TargetStream,
  wishes: InstallWishes,
  tools: InstallTools,
): Promise<InstallResult> {
  const { manifest, method } = stream;
  throwIfStopped(tools.signal);
  const pending = pendingUpdate(stream, manifest, wishes, tools);
  tools.pending.write(pending);
  await tools.boot.arm();
  const { fetched_bytes } = pending;
  return {
    version: manifest.version,
    slot: tools.target.slot,
    method,
    fetched_bytes,
    pending,
    already: false,
  };
}

function pendingUpdate(
  stream: TargetStream,
  manifest: BundleManifest,
  wishes: InstallWishes,
  tools: InstallTools,
): PendingUpdate {
  const { slot, version, root_hash } = tools.machine.running;
  return {
    format: 1,
    version: manifest.version,
    slot: tools.target.slot,
    root_hash: manifest.slot.root_hash,
    bundle: stream.bundle,
    from: { slot, version, root_hash },
    method: stream.method,
    fetched_bytes: tools.transferred_bytes(),
    written_at: tools.now().toISOString(),
    boot_id: tools.boot.id,
    reboot: wishes.reboot,
    rollback: false,
    ...orderOf(wishes),
  };
}

function orderOf({ ordered }: InstallWishes): Pick<PendingUpdate, 'order' | 'at_once'> {
  return ordered ? { order: ordered.order, at_once: ordered.at_once } : {};
}
