import { HTTP_HEAD_MAX_BYTES, WINRM_RESPONSE_MAX_BYTES } from '../limits.ts';
import { winrmError } from './errors.ts';

export interface HttpResponse {
  status: number;
  /** By lower-case name; several of one name are separate entries. */
  headers: readonly (readonly [name: string, value: string])[];
  body: Buffer;
}

/**
 * The response at the beginning of what has come in (RFC 9112), or undefined when more has to come. Length known or in chunks; one that
 * ends with the connection would leave no connection to go on with.
 *
 * @throws BulkheadError WINRM_HTTP_INVALID, WINRM_RESPONSE_TOO_LARGE
 */
export function readHttpResponse(bytes: Buffer): { response: HttpResponse; rest: Buffer } | undefined {
  const head_end = bytes.indexOf('\r\n\r\n');
  if (head_end < 0) {
    if (bytes.length > HTTP_HEAD_MAX_BYTES) throw tooLarge();
    return undefined;
  }
  if (head_end > HTTP_HEAD_MAX_BYTES) throw tooLarge();
  const [first = '', ...lines] = bytes.toString('latin1', 0, head_end).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] ([1-5]\d{2})(?: |$)/.exec(first)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw invalid('its first line is none of HTTP/1.1');
  const headers = lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw invalid('a header line is none');
    return [name.toLowerCase(), value] as const;
  });
  const after = bytes.subarray(head_end + 4);
  // 1xx only announces the real one (RFC 9110, 15.2).
  if (status < 200) return readHttpResponse(after);
  const found = headerOf(headers, 'transfer-encoding');
  if (found !== undefined && found.toLowerCase() !== 'chunked') throw invalid('its encoding is not known');
  const read = found === undefined ? readLength(headers, after) : readChunks(after);
  return read && { response: { status, headers, body: read.body }, rest: read.rest };
}

export function headerOf(headers: HttpResponse['headers'], name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1];
}

interface Body {
  body: Buffer;
  rest: Buffer;
}

function readLength(headers: HttpResponse['headers'], after: Buffer): Body | undefined {
  const lengths = new Set(headers.filter(([name]) => name === 'content-length').map(([, value]) => value));
  const [length = ''] = lengths;
  if (lengths.size !== 1 || !/^\d{1,9}$/.test(length)) throw invalid('its length is not told');
  const size_bytes = Number(length);
  if (size_bytes > WINRM_RESPONSE_MAX_BYTES) throw tooLarge();
  if (after.length < size_bytes) return undefined;
  return { body: after.subarray(0, size_bytes), rest: after.subarray(size_bytes) };
}

function readChunks(after: Buffer): Body | undefined {
  const chunks: Buffer[] = [];
  let at = 0;
  let total_bytes = 0;
  for (;;) {
    const line_end = after.indexOf('\r\n', at);
    if (line_end < 0) {
      if (after.length - at > HTTP_HEAD_MAX_BYTES) throw invalid('a chunk has no size');
      return undefined;
    }
    const size = /^([0-9A-Fa-f]{1,7})(?:;.*)?$/.exec(after.toString('latin1', at, line_end))?.[1];
    if (size === undefined) throw invalid('a chunk has no size');
    const size_bytes = Number.parseInt(size, 16);
    total_bytes += size_bytes;
    if (total_bytes > WINRM_RESPONSE_MAX_BYTES) throw tooLarge();
    const begin = line_end + 2;
    if (after.length < begin + size_bytes + 2) return undefined;
    if (after.toString('latin1', begin + size_bytes, begin + size_bytes + 2) !== '\r\n')
      throw invalid(
        size_bytes === 0 ? 'it has trailers, which were not asked for' : 'a chunk has another size',
      );
    at = begin + size_bytes + 2;
    if (size_bytes === 0) return { body: Buffer.concat(chunks), rest: after.subarray(at) };
    chunks.push(after.subarray(begin, begin + size_bytes));
  }
}

function invalid(why: string) {
  return winrmError('WINRM_HTTP_INVALID', `the answer is not HTTP as WinRM speaks it: ${why}`);
}

function tooLarge() {
  return winrmError('WINRM_RESPONSE_TOO_LARGE', `an answer is larger than ${WINRM_RESPONSE_MAX_BYTES} bytes`);
}
