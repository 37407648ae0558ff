import type { ByteSource } from '../source.ts';
import {
  type ByteRange,
  type FileVersion,
  judgeInside,
  judgeRange,
  judgeSame,
  rangeHeader,
} from './answer.ts';
import { FetchFailure } from './failure.ts';
import { Givers } from './givers.ts';
import { MIRROR_TRIES } from './limits.ts';
import type { Mirror } from './mirrors.ts';
import type { FetchOptions } from './options.ts';
import type { Answer } from './request.ts';
import { type FetchSession, openSession } from './session.ts';

export interface HttpSource extends ByteSource {
  /** Bytes of bodies that arrived so far; with a shared meter those of all its sources. */
  readonly transferred_bytes: number;
}

/** The first byte: enough to learn the length of the file. */
const PROBE: ByteRange = { start_bytes: 0, end_bytes: 1 };

/**
 * A file on HTTP servers, read by ranges. A connection that breaks, stalls or is too slow is made again and goes on at the
 * exact byte, on the same mirror and then on the next; bytes are never given out twice. What the mirrors hold is not
 * verified here: whoever reads compares digests, and tells with `distrust` when they are wrong.
 *
 * Reading and `size_bytes` throw BulkheadError: what the mirror did wrong, when no mirror is left (FETCH_NOT_FOUND,
 * FETCH_FORBIDDEN, FETCH_STATUS, FETCH_ENCODED, FETCH_RANGE_IGNORED, FETCH_RANGE_WRONG, FETCH_RANGE_OUTSIDE,
 * FETCH_LENGTH_WRONG, FETCH_SIZE_CHANGED, FETCH_SIZE_UNKNOWN, FETCH_CHANGED, FETCH_REDIRECT_REFUSED, FETCH_REDIRECTS);
 * FETCH_GAVE_UP; FETCH_DATA_CAP; FETCH_ABORTED; FETCH_CLOSED.
 *
 * @param urls mirrors of one file, in order
 * @throws BulkheadError FETCH_URL_INVALID, FETCH_LIMIT_INVALID, FETCH_CA_INVALID
 */
export function httpSource(urls: readonly string[], options: FetchOptions = {}): HttpSource {
  const session = openSession(urls, options);
  const givers = new Givers();
  return {
    name: session.mirrors.all[0]?.address.name ?? '',
    get transferred_bytes() {
      return session.settings.meter.transferred_bytes;
    },
    size_bytes: () => probeSize(session),
    read: (start_bytes, end_bytes) => readResuming(session, givers, { start_bytes, end_bytes }),
    distrust: (start_bytes, end_bytes, reason) => {
      const { mirrors } = session;
      const [giver, another] = givers.of({ start_bytes, end_bytes });
      if (!another) return mirrors.distrust(giver ?? mirrors.current(), reason);
      // Nobody can tell which of them it was: the one that is asked now gives all of it, and says how long it is.
      for (const mirror of mirrors.all) if (mirror !== mirrors.current()) mirror.version = undefined;
      return true;
    },
    close: async () => session.close(),
  };
}

/** Length of the file; asked once. */
async function probeSize(session: FetchSession): Promise<number> {
  const known_bytes = knownSize(session);
  if (known_bytes !== undefined) return known_bytes;
  const { mirrors, settings } = session;
  mirrors.begin();
  for (;;) {
    const mirror = mirrors.current();
    try {
      settings.meter.reserve(PROBE.end_bytes);
      const size_bytes = await askSize(session, mirror);
      mirrors.progressed();
      return size_bytes;
    } catch (error) {
      await session.recover(mirror, error, 0);
    }
  }
}

export async function askSize(session: FetchSession, mirror: Mirror): Promise<number> {
  const exchange = session.exchange(mirror);
  try {
    const answer = await exchange.open({ Range: rangeHeader(PROBE) });
    const { size_bytes } = judgeVersion(session, mirror, answer, PROBE);
    if (answer.headers['content-length'] === '1') await drain(exchange.read(answer));
    if (size_bytes !== undefined) return size_bytes;
    throw new FetchFailure('FETCH_SIZE_UNKNOWN', `${mirror.address.name} does not say how long it is`, {
      reaction: 'out',
      hint: 'the server must send Content-Length or answer range requests',
    });
  } finally {
    exchange.close();
  }
}

/** Read to its end, the connection serves the next request too. */
async function drain(parts: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of parts) void part;
}

async function* readResuming(
  session: FetchSession,
  givers: Givers,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void, void> {
  const { mirrors, settings } = session;
  const known_bytes = knownSize(session);
  if (known_bytes !== undefined) judgeInside(known_bytes, range, mirrors.current().address.name);
  let at_bytes = range.start_bytes;
  mirrors.begin();
  while (at_bytes < range.end_bytes) {
    const mirror = mirrors.current();
    const rest = { start_bytes: at_bytes, end_bytes: at_bytes + reachOf(mirror, range.end_bytes - at_bytes) };
    try {
      settings.meter.reserve(range.end_bytes - at_bytes);
      for await (const part of readOnce(session, mirror, rest)) {
        givers.note(at_bytes, part.length, mirror);
        at_bytes += part.length;
        yield part;
      }
    } catch (error) {
      if (at_bytes < range.end_bytes) await session.recover(mirror, error, at_bytes - rest.start_bytes);
    }
  }
  mirrors.progressed();
}

/** What arrives together with the end of a connection is lost. Where every answer is cut that way, shorter ones come whole. */
function reachOf({ failures }: Mirror, wanted_bytes: number): number {
  return Math.ceil(wanted_bytes / 2 ** Math.max(0, failures - MIRROR_TRIES + 1));
}

/** One request: yields the range, or the beginning of it and then throws. */
async function* readOnce(
  session: FetchSession,
  mirror: Mirror,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void, void> {
  const exchange = session.exchange(mirror);
  let left_bytes = range.end_bytes - range.start_bytes;
  try {
    const answer = await exchange.open({ Range: rangeHeader(range) });
    const { size_bytes } = judgeVersion(session, mirror, answer, range);
    if (size_bytes !== undefined) judgeInside(size_bytes, range, mirror.address.name);
    const framed = answer.headers['content-length'] === String(left_bytes);
    if (framed && exchange.takesWhole(left_bytes)) {
      yield await exchange.readWhole(answer);
      return;
    }
    for await (const part of exchange.read(answer)) {
      if (part.length > 0 && left_bytes > 0) yield part.subarray(0, left_bytes);
      left_bytes -= part.length;
      // Read to its end, the connection serves the next range too. The rest of a whole file is not waited for.
      if (left_bytes <= 0 && !framed) return;
    }
  } finally {
    exchange.close();
  }
  if (left_bytes === 0) return;
  throw new FetchFailure('FETCH_BROKEN', `${mirror.address.name} ended ${left_bytes} bytes early`, {
    reaction: 'retry',
  });
}

function judgeVersion(session: FetchSession, mirror: Mirror, answer: Answer, range: ByteRange): FileVersion {
  const { name } = mirror.address;
  const seen = judgeRange(answer, range, name);
  judgeSame(seen, knownSize(session), mirror.version, name);
  mirror.version ??= seen;
  return seen;
}

/** As the first mirror told it that told it. */
function knownSize(session: FetchSession): number | undefined {
  return session.mirrors.all.find(({ version }) => version?.size_bytes !== undefined)?.version?.size_bytes;
}
