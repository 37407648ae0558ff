import { BulkheadError, describeError } from '../../base/errors.ts';
import { formatBytes } from '../../base/text.ts';
import { admitRelease } from '../admission.ts';
import { type OpenBundle, openBundle } from '../bundle/open-bundle.ts';
import { slotStreamReader } from '../delta/blob-reader.ts';
import { CHEAP_ENOUGH_BYTES } from '../limits.ts';
import type { Method } from '../state/records.ts';
import { blocksStream } from './blocks-stream.ts';
import type { InstallTools, InstallWishes } from './install.ts';
import { requireOrderedVersion } from './ordered.ts';
import type { PricedStream } from './priced-stream.ts';
import { deltaSuffix, type ReleasePlace } from './release-place.ts';
import { throwIfStopped } from './stopped.ts';
import { checkPieces, deltaStream, fullStream } from './streams.ts';
import { resumableRecord } from './transfer.ts';
import { readTransfer } from './transfer-journal.ts';

export const ALL_METHODS: readonly Method[] = ['delta', 'blocks', 'full'];
/** Above this share of the full payload its better compression and single stream are the better way. */
const BLOCKS_WORTH_IT = 0.8;

/** A way that was opened. */
export interface OpenWay {
  /** As it was wished; a delta that was named itself is a `full` one here. */
  method: Method;
  stream: PricedStream;
}

/** Ways in the order in which they are looked at: first the one that a transfer was begun by, which has the least left to fetch. */
export function orderedWays({ methods = ALL_METHODS }: InstallWishes, tools: InstallTools): Set<Method> {
  const begun = readTransfer(tools.journalFile)?.head.method;
  return new Set([...methods.filter((method) => method === begun), ...methods]);
}

/**
 * Opens ways in turn, as many as it takes to know which costs least to fetch, and leaves only that one open.
 *
 * @param ways those that turn out not to exist are taken out
 * @param onFailed told of a way that cannot be opened; ends everything by throwing
 * @returns undefined when there is none
 */
export async function openCheapest(
  ways: Set<Method>,
  place: ReleasePlace,
  wishes: InstallWishes,
  tools: InstallTools,
  onFailed: (method: Method, error: unknown) => void,
): Promise<OpenWay | undefined> {
  let best: OpenWay | undefined;
  try {
    for (const method of [...ways]) {
      throwIfStopped(tools.signal);
      let stream: PricedStream | undefined;
      try {
        stream = await openWay(method, place, wishes, tools);
      } catch (error) {
        // To ask what it costs was too much already: what is known costs less.
        if (!best || !isCapProblem(error)) onFailed(method, error);
        continue;
      }
      if (!stream) {
        ways.delete(method);
        continue;
      }
      const cheaper = !best || stream.fetch_bytes < best.stream.fetch_bytes;
      await (cheaper ? best?.stream : stream)?.close();
      if (cheaper) best = { method, stream };
      if (best && isGoodEnough(best, method, place, tools)) break;
    }
  } catch (error) {
    await best?.stream.close();
    throw error;
  }
  return best;
}

/** Whether nothing is gained by asking what the other ways would cost. */
function isGoodEnough(
  { stream }: OpenWay,
  looked: Method,
  place: ReleasePlace,
  tools: InstallTools,
): boolean {
  // A file costs nothing to read; single blocks were held against everything when they were opened.
  if (place.local || looked === 'blocks') return true;
  if (resumableRecord(stream, { ...tools.target, journalFile: tools.journalFile })) return true;
  return stream.fetch_bytes <= CHEAP_ENOUGH_BYTES && !capProblem(stream, tools);
}

/** @throws BulkheadError FETCH_DATA_CAP */
export function requireWithinCap(stream: PricedStream, tools: InstallTools): void {
  const problem = capProblem(stream, tools);
  if (problem) throw problem;
}

function capProblem({ fetch_bytes }: PricedStream, tools: InstallTools): BulkheadError | undefined {
  const { fetch_max_bytes } = tools;
  if (fetch_max_bytes === undefined) return undefined;
  const whole_bytes = tools.transferred_bytes() + fetch_bytes;
  if (whole_bytes <= fetch_max_bytes) return undefined;
  return new BulkheadError(
    'FETCH_DATA_CAP',
    `the update would fetch ${formatBytes(whole_bytes)}, ${formatBytes(fetch_max_bytes)} are allowed`,
    { hint: 'publish a delta from the release that runs, or allow more: --max-fetch, update.data_cap_mib' },
  );
}

function isCapProblem(error: unknown): boolean {
  return error instanceof BulkheadError && error.code === 'FETCH_DATA_CAP';
}

/** What one way would cost, or why it is none. */
export interface WayPrice {
  method: Method;
  version: string | null;
  fetch_bytes: number | null;
  /** Code and message of what stands in the way; null when nothing does. */
  refusal: { code: string; message: string; hint: string | null } | null;
}

/** Looks at every way without taking one: heads and trees are fetched, no payload. Ways that do not exist are left out. */
export async function priceWays(
  place: ReleasePlace,
  wishes: InstallWishes,
  tools: InstallTools,
): Promise<WayPrice[]> {
  const prices: WayPrice[] = [];
  for (const method of wishes.methods ?? ALL_METHODS) {
    try {
      const stream = await openWay(method, place, wishes, tools);
      if (!stream) continue;
      await stream.close();
      const { manifest, fetch_bytes } = stream;
      prices.push({ method, version: manifest.version, fetch_bytes, refusal: null });
    } catch (error) {
      const known = error instanceof BulkheadError ? error : undefined;
      const refusal = {
        code: known?.code ?? 'INTERNAL',
        message: describeError(error),
        hint: known?.hint ?? null,
      };
      prices.push({ method, version: null, fetch_bytes: null, refusal });
    }
  }
  return prices;
}

async function openWay(
  method: Method,
  place: ReleasePlace,
  wishes: InstallWishes,
  tools: InstallTools,
): Promise<PricedStream | undefined> {
  if (method === 'delta') return openDelta(place, wishes, tools);
  if (method === 'blocks' && place.local) return undefined;
  const bundle = await admit(await openBundle(place.bundle, tools.trust.keys, tools.now()), wishes, tools);
  if (bundle.manifest.kind === 'delta')
    return method === 'full' ? priced(bundle, place.local, tools) : undefined;
  const full_bytes = bundle.section('payload').bytes;
  if (method === 'blocks') {
    const blocks = await blocksStream(bundle, await place.find('.blocks'), tools.base);
    // Never more than everything, and not much trouble for little.
    if (blocks && blocks.fetch_bytes <= full_bytes * BLOCKS_WORTH_IT) return blocks;
    await blocks?.close();
    return undefined;
  }
  const stream = await fullStream(bundle);
  return { ...stream, ...checkOf(bundle, place.local), fetch_bytes: full_bytes, close: async () => {} };
}

async function openDelta(
  place: ReleasePlace,
  wishes: InstallWishes,
  tools: InstallTools,
): Promise<PricedStream | undefined> {
  const source = await place.find(deltaSuffix(tools.machine.running.root_hash));
  if (!source) return undefined;
  const bundle = await openBundle(source, tools.trust.keys, tools.now());
  return priced(await admit(bundle, wishes, tools), place.local, tools);
}

async function priced(bundle: OpenBundle, local: boolean, tools: InstallTools): Promise<PricedStream> {
  const base = slotStreamReader(tools.base.device, tools.base);
  const fetch_bytes = bundle.section('payload').bytes;
  const stream = await deltaStream(bundle, base);
  return { ...stream, ...checkOf(bundle, local), fetch_bytes, close: async () => base.close() };
}

function checkOf(bundle: OpenBundle, local: boolean): Pick<PricedStream, 'check'> {
  return local ? { check: (signal) => checkPieces(bundle, () => throwIfStopped(signal)) } : {};
}

/** Everything that can be refused before the payload. A newer key set counts from here on. */
async function admit(bundle: OpenBundle, wishes: InstallWishes, tools: InstallTools): Promise<OpenBundle> {
  tools.onEvent({ event: 'opened', version: bundle.manifest.version });
  if (wishes.ordered) requireOrderedVersion(bundle.manifest.version, wishes.ordered);
  if (bundle.keysChanged) {
    tools.trust.store(bundle.trusted);
    tools.trust.keys = bundle.trusted;
  }
  admitRelease(bundle.manifest, tools.machine, wishes.allowed);
  return bundle;
}
