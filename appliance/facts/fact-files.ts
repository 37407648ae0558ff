import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { FACT_FILE_MAX_BYTES } from './limits.ts';

/**
 * Tolerant readers: a fact that cannot be read is `null`, never an error and never a default. Files of /proc and /sys
 * say they are 0 bytes long, so everything is read until it ends and not by its size.
 */

/** The text of a file, at most FACT_FILE_MAX_BYTES of it; null when it cannot be read (sysfs also fails with EINVAL or EIO). */
export function readText(path: string, max_bytes = FACT_FILE_MAX_BYTES): string | null {
  return readFrom(path, 0, max_bytes);
}

/** The first line without surrounding white space; null when the file cannot be read or says nothing. */
export function readLine(path: string): string | null {
  const line = readText(path)?.split('\n', 1)[0]?.trim();
  return line ? line : null;
}

/** A number that fills the file; null when it is none. */
export function readNumber(path: string): number | null {
  const line = readLine(path);
  return line !== null && /^-?\d+(\.\d+)?$/.test(line) ? Number(line) : null;
}

/** Parsed JSON; null when the file is absent or is no JSON. */
export function readJson(path: string): unknown {
  const text = readText(path);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whole lines of the last `max_bytes` of a file, so a journal that grew for years costs what one of yesterday costs. */
export function readTailLines(path: string, max_bytes: number): string[] {
  let size_bytes: number;
  try {
    size_bytes = statSync(path).size;
  } catch {
    return [];
  }
  const start_bytes = Math.max(0, size_bytes - max_bytes);
  const lines = (readFrom(path, start_bytes, max_bytes) ?? '').split('\n');
  // The first line of a tail began before it, unless the tail is the whole file.
  if (start_bytes > 0) lines.shift();
  return lines.filter((line) => line !== '');
}

/** Tells two contents of a file apart without reading it. */
export interface FileVersion {
  /** 0: no such file. */
  inode: number;
  size_bytes: number;
  /** Equal as long as nothing was written; empty without a file. */
  text: string;
}

export function fileVersion(path: string): FileVersion {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return { inode: ino, size_bytes: size, text: `${ino}:${size}:${mtimeMs}` };
  } catch {
    return { inode: 0, size_bytes: 0, text: '' };
  }
}

/**
 * Hands over every whole line from a position on, empty ones left out, and never holds more than one of them.
 *
 * @param line_max_bytes longer lines are passed over
 * @returns the position behind the last whole line; that given when the file cannot be read
 */
export function readLinesFrom(
  path: string,
  start_bytes: number,
  line_max_bytes: number,
  take: (line: string) => void,
): number {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return start_bytes;
  }
  let end_bytes = start_bytes;
  try {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    let begun: Buffer[] = [];
    let begun_bytes = 0;
    for (let at_bytes = start_bytes; ; ) {
      const read_bytes = readSync(file, chunk, 0, chunk.length, at_bytes);
      if (read_bytes === 0) break;
      let from = 0;
      for (let feed = chunk.indexOf(10); feed >= 0 && feed < read_bytes; feed = chunk.indexOf(10, from)) {
        begun_bytes += feed - from;
        if (begun_bytes > 0 && begun_bytes <= line_max_bytes)
          take(Buffer.concat([...begun, chunk.subarray(from, feed)]).toString('utf8'));
        [begun, begun_bytes, from] = [[], 0, feed + 1];
        end_bytes = at_bytes + from;
      }
      begun_bytes += read_bytes - from;
      // A line that is too long is counted, not kept.
      begun = begun_bytes <= line_max_bytes ? [...begun, Buffer.from(chunk.subarray(from, read_bytes))] : [];
      at_bytes += read_bytes;
    }
  } catch {
    // An I/O error in the middle: what was read counts, the rest is tried when the file changes.
  } finally {
    closeSync(file);
  }
  return end_bytes;
}

/** Names in a folder, sorted; empty when there is none. */
export function listNames(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function readFrom(path: string, start_bytes: number, max_bytes: number): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const chunks: Buffer[] = [];
    let got_bytes = 0;
    while (got_bytes < max_bytes) {
      const chunk = Buffer.allocUnsafe(Math.min(8192, max_bytes - got_bytes));
      // Positions only for tails: some files of /proc cannot be read at a position.
      const position = start_bytes > 0 ? start_bytes + got_bytes : null;
      const read_bytes = readSync(file, chunk, 0, chunk.length, position);
      if (read_bytes === 0) break;
      chunks.push(chunk.subarray(0, read_bytes));
      got_bytes += read_bytes;
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}
