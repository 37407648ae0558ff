/** What a client asks about a file, as its fields stand in the request; null: it does not. */
export interface RangeRequest {
  range: string | null;
  if_range: string | null;
  if_none_match: string | null;
}

export type RangeAnswer =
  | { status: 200 | 206; start_bytes: number; end_bytes: number }
  /** The client has it. */
  | { status: 304 }
  /** Nothing of the range is in the file. */
  | { status: 416 };

const ONE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/**
 * Which bytes of a file answer a request. A field that is malformed, of another unit, or asks for several ranges is passed over, as
 * RFC 9110 section 14.2 allows; `If-Range` takes a strong entity tag (13.1.5), and a date never fits.
 *
 * @param etag strong, in quotes
 */
export function answerRange(request: RangeRequest, size_bytes: number, etag: string): RangeAnswer {
  if (request.if_none_match !== null && matchesTag(request.if_none_match, etag)) return { status: 304 };
  const whole: RangeAnswer = { status: 200, start_bytes: 0, end_bytes: size_bytes };
  if (request.range === null || (request.if_range !== null && request.if_range.trim() !== etag)) return whole;
  const [, first = '', last = ''] = ONE_RANGE.exec(request.range.trim().toLowerCase()) ?? [];
  if (first === '' && last === '') return whole;
  if (first === '') {
    // The last so many bytes.
    const start_bytes = Math.max(0, size_bytes - Number(last));
    return Number(last) === 0 || size_bytes === 0
      ? { status: 416 }
      : { status: 206, start_bytes, end_bytes: size_bytes };
  }
  if (last !== '' && Number(last) < Number(first)) return whole;
  if (Number(first) >= size_bytes) return { status: 416 };
  const end_bytes = last === '' ? size_bytes : Math.min(size_bytes, Number(last) + 1);
  return { status: 206, start_bytes: Number(first), end_bytes };
}

/** Compared weakly (13.1.2): a proxy may have marked it. */
function matchesTag(field: string, etag: string): boolean {
  return field.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
