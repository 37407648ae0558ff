import { retryAfter_ms } from './backoff.ts';
import { FetchFailure } from './failure.ts';

/** What an answer says about the file as a whole. */
export interface FileVersion {
  /** Undefined when a whole answer has no length. */
  size_bytes: number | undefined;
  /** Strong entity tag; weak ones change without the bytes changing. */
  etag: string | undefined;
  modified: string | undefined;
}

/** Head of an answer. */
export interface AnswerHead {
  status: number;
  /** By their names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
}

export interface ByteRange {
  start_bytes: number;
  /** Not included. */
  end_bytes: number;
}

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i;
const RANGE_UNSATISFIED = /^bytes \*\/(\d{1,15})$/i;
const LENGTH = /^\d{1,15}$/;

/**
 * Whether an answer to a range request begins with the bytes that were asked for. It may carry more than those only when
 * it is the whole file and was asked for from the start.
 *
 * Sources: RFC 9110, sections 14 (ranges) and 15.5.17 (416).
 *
 * @returns the version of the file, which may be too short for the range: see judgeInside
 * @throws BulkheadError FETCH_NOT_FOUND, FETCH_FORBIDDEN, FETCH_STATUS, FETCH_ENCODED, FETCH_RANGE_IGNORED,
 *   FETCH_RANGE_WRONG, FETCH_LENGTH_WRONG
 */
export function judgeRange(head: AnswerHead, asked: ByteRange, name: string): FileVersion {
  if (head.status === 416) return judgeUnsatisfied(head, asked, name);
  judgeStatus(head, name, [200, 206]);
  const length_bytes = lengthOf(head, name);
  if (head.status === 200) {
    if (asked.start_bytes > 0) {
      throw new FetchFailure('FETCH_RANGE_IGNORED', `${name} answered a range request with the whole file`, {
        reaction: 'out',
        hint: 'the server must support range requests; without them a broken transfer cannot be resumed',
      });
    }
    return versionOf(head, length_bytes);
  }
  const text = head.headers['content-range'] ?? '';
  const [, first, last, total] = CONTENT_RANGE.exec(text) ?? [];
  const size_bytes = Number(total);
  const end_bytes = Math.min(asked.end_bytes, size_bytes);
  if (Number(first) !== asked.start_bytes || Number(last) + 1 !== end_bytes) {
    throw new FetchFailure(
      'FETCH_RANGE_WRONG',
      `${name} was asked for ${rangeHeader(asked)} and answered with content range '${text.slice(0, 80)}'`,
      { reaction: 'out' },
    );
  }
  const promised_bytes = end_bytes - asked.start_bytes;
  if (length_bytes !== undefined && length_bytes !== promised_bytes) {
    throw new FetchFailure(
      'FETCH_LENGTH_WRONG',
      `${name} announced ${length_bytes} bytes for a range of ${promised_bytes}`,
      { reaction: 'out' },
    );
  }
  return versionOf(head, size_bytes);
}

/** The server says how long the file is, and that nothing of the range is in it. */
function judgeUnsatisfied(head: AnswerHead, asked: ByteRange, name: string): FileVersion {
  const [, total] = RANGE_UNSATISFIED.exec(head.headers['content-range'] ?? '') ?? [];
  if (total === undefined || asked.end_bytes <= Number(total)) throw statusFailure(head, name);
  return versionOf(head, Number(total));
}

/**
 * Whether two answers speak of one file.
 *
 * @param size_bytes of the file as any mirror told it, undefined when none did
 * @param before what the same mirror answered before, undefined when it did not
 * @throws BulkheadError FETCH_SIZE_CHANGED, FETCH_CHANGED
 */
export function judgeSame(
  seen: FileVersion,
  size_bytes: number | undefined,
  before: FileVersion | undefined,
  name: string,
): void {
  if (size_bytes !== undefined && seen.size_bytes !== undefined && seen.size_bytes !== size_bytes) {
    throw new FetchFailure(
      'FETCH_SIZE_CHANGED',
      `${name} has ${seen.size_bytes} bytes now, ${size_bytes} before`,
      { reaction: 'out', hint: 'the file was replaced, or mirrors hold different files: start again later' },
    );
  }
  // Entity tags are one mirror's own; dates only count where there are no tags.
  const [then, now] =
    before?.etag !== undefined && seen.etag !== undefined
      ? [before.etag, seen.etag]
      : [before?.modified, seen.modified];
  if (then !== undefined && now !== undefined && then !== now) {
    throw new FetchFailure('FETCH_CHANGED', `${name} was replaced while it was read`, {
      reaction: 'out',
      hint: 'start again: what was verified before is kept',
    });
  }
}

/**
 * @param size_bytes of the file
 * @throws BulkheadError FETCH_RANGE_OUTSIDE
 */
export function judgeInside(size_bytes: number, asked: ByteRange, name: string): void {
  if (asked.end_bytes <= size_bytes) return;
  throw new FetchFailure(
    'FETCH_RANGE_OUTSIDE',
    `${name} has ${size_bytes} bytes, ${rangeHeader(asked)} was asked for`,
    { reaction: 'out' },
  );
}

/**
 * @param accepted statuses that carry a body of use
 * @throws BulkheadError FETCH_NOT_FOUND, FETCH_FORBIDDEN, FETCH_STATUS, FETCH_ENCODED
 */
export function judgeStatus(head: AnswerHead, name: string, accepted: readonly number[]): void {
  if (!accepted.includes(head.status)) throw statusFailure(head, name);
  const encoding = head.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') {
    throw new FetchFailure('FETCH_ENCODED', `${name} answered encoded as '${encoding.slice(0, 40)}'`, {
      // Byte positions of an encoded body are not those of the file, and a few bytes may unpack to gigabytes.
      reaction: 'out',
      hint: 'switch off compression on the server, or on the proxy in front of it',
    });
  }
}

/**
 * Length that the head announces, if any.
 *
 * @throws BulkheadError FETCH_LENGTH_WRONG
 */
export function lengthOf(head: AnswerHead, name: string): number | undefined {
  const text = head.headers['content-length'];
  if (text === undefined) return undefined;
  if (LENGTH.test(text)) return Number(text);
  throw new FetchFailure('FETCH_LENGTH_WRONG', `${name} announced a length of '${text.slice(0, 40)}'`, {
    reaction: 'out',
  });
}

function statusFailure(head: AnswerHead, name: string): FetchFailure {
  const { status } = head;
  if (status === 404 || status === 410)
    return new FetchFailure('FETCH_NOT_FOUND', `${name} does not exist: status ${status}`, {
      reaction: 'out',
    });
  if (status === 401 || status === 403 || status === 407)
    return new FetchFailure('FETCH_FORBIDDEN', `${name} may not be read: status ${status}`, {
      reaction: 'out',
      hint: 'check user and password in the address of the update',
    });
  const pause_ms = retryAfter_ms(head.headers);
  const passing = status >= 500 || status === 408 || status === 425 || status === 429;
  const reaction = !passing ? 'out' : pause_ms > 0 ? 'next' : 'retry';
  return new FetchFailure('FETCH_STATUS', `${name} answered with status ${status}`, {
    reaction,
    retryAfter_ms: passing ? pause_ms : 0,
  });
}

function versionOf(head: AnswerHead, size_bytes: number | undefined): FileVersion {
  const etag = head.headers['etag'] ?? '';
  return {
    size_bytes,
    etag: etag.startsWith('"') ? etag : undefined,
    modified: head.headers['last-modified'] ?? undefined,
  };
}

/** Value of the Range header. */
export function rangeHeader(range: ByteRange): string {
  return `bytes=${range.start_bytes}-${range.end_bytes - 1}`;
}
