import { createReadStream } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { ENVELOPE_MAX_BYTES } from '../../base/signing/limits.ts';

export interface FileLine {
  /** Without its line break; cut where it is longer than any line of evidence. */
  bytes: Uint8Array;
  /** From 1. */
  number: number;
  /** There was a line break behind it. */
  ended: boolean;
}

/** The longest line of a whole file is the list of an export. A file without line breaks does not fill the memory. */
const LINE_MAX_BYTES = ENVELOPE_MAX_BYTES;

/** Lines of a file of any length. @throws BulkheadError EVIDENCE_FILE_UNREADABLE */
export async function* linesOf(path: string): AsyncGenerator<FileLine> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let size_bytes = 0;
  const keep = (part: Uint8Array) => {
    if (size_bytes <= LINE_MAX_BYTES) parts.push(part);
    size_bytes += part.length;
  };
  const take = (ended: boolean): FileLine => {
    const line = { bytes: Buffer.concat(parts), number, ended };
    number += 1;
    parts = [];
    size_bytes = 0;
    return line;
  };
  try {
    for await (const chunk of createReadStream(path)) {
      const bytes = chunk as Buffer;
      let from = 0;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        keep(bytes.subarray(from, at));
        from = at + 1;
        yield take(true);
      }
      if (from < bytes.length) keep(bytes.subarray(from));
    }
  } catch (cause) {
    throw new BulkheadError('EVIDENCE_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
  if (size_bytes > 0) yield take(false);
}
