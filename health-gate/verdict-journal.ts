import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { alignedBuffer } from '../base/direct-io.ts';
import { BulkheadError } from '../base/errors.ts';
import { DIRECT_IO_ALIGN_BYTES } from '../base/limits.ts';
import { JOURNAL_KEEP_VERDICTS, JOURNAL_READ_MAX_BYTES, JOURNAL_SLACK_VERDICTS } from './limits.ts';
import { Verdict } from './verdict-schema.ts';

/**
 * The verdicts of all boots: one JSON object per line, appended and never changed. A power cut can tear the last line;
 * such a line is skipped by the reader and closed off by the next append, so it costs one verdict and not the journal.
 */
export interface JournalContent {
  /** Oldest first. */
  verdicts: Verdict[];
  /** Lines that are no verdict: torn by a power cut, or foreign. */
  damagedLines: number;
}

const O_DIRECT = constants.O_DIRECT ?? 0o40000;

/** Reads what is there; a journal that does not exist yet is empty. At most JOURNAL_READ_MAX_BYTES from its end. */
export async function readJournal(path: string): Promise<JournalContent> {
  let text: string;
  try {
    const size_bytes = (await stat(path)).size;
    text = await readTail(path, Math.max(0, size_bytes - JOURNAL_READ_MAX_BYTES));
  } catch (error) {
    if (isMissing(error)) return { verdicts: [], damagedLines: 0 };
    throw new BulkheadError('GATE_JOURNAL_UNREADABLE', `cannot read the journal ${path}`, { cause: error });
  }
  const verdicts: Verdict[] = [];
  let damagedLines = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const verdict = parseLine(line);
    if (verdict === undefined) damagedLines += 1;
    else verdicts.push(verdict);
  }
  return { verdicts, damagedLines };
}

/** An id that no verdict in the journal has: the boot id and the next number of this boot, from 1. */
export function nextVerdictId(bootId: string, verdicts: readonly Verdict[]): string {
  const numbers = verdicts
    .filter((verdict) => verdict.bootId === bootId)
    .map((verdict) => Number(verdict.id.slice(verdict.id.lastIndexOf('-') + 1)))
    .filter(Number.isInteger);
  return `${bootId}-${Math.max(0, ...numbers) + 1}`;
}

/**
 * Appends a verdict, waits for the disk, and reads it back past the cache. When this returns, the verdict is there.
 * On an error the file is cut back to what it was, as far as the disk still lets us.
 *
 * @throws BulkheadError GATE_JOURNAL_WRITE when it cannot be written, GATE_JOURNAL_READ_BACK when what came back differs
 */
export async function appendVerdict(path: string, verdict: Verdict): Promise<void> {
  const line = JSON.stringify(verdict);
  let start_bytes = 0;
  try {
    await makeFolderDurably(dirname(path));
    const file = await open(path, 'a+', 0o644);
    try {
      start_bytes = (await file.stat()).size;
      // Whatever the umask of the unit is: the agent's user reads it.
      if (start_bytes === 0) await file.chmod(0o644);
      await appendLine(file, start_bytes, `${line}\n`);
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  } catch (cause) {
    throw new BulkheadError('GATE_JOURNAL_WRITE', `cannot append the verdict to ${path}`, {
      cause,
      hint: 'the data partition is full, read-only or damaged',
    });
  }
  await checkLine(path, start_bytes, line);
}

/**
 * Keeps the newest JOURNAL_KEEP_VERDICTS once there are JOURNAL_SLACK_VERDICTS more, by replacing the file atomically.
 * Damaged lines go as well. Returns how many verdicts were dropped.
 */
export async function compactJournal(
  path: string,
  keep = JOURNAL_KEEP_VERDICTS,
  slack = JOURNAL_SLACK_VERDICTS,
): Promise<number> {
  const { verdicts, damagedLines } = await readJournal(path);
  if (verdicts.length + damagedLines <= keep + slack) return 0;
  const kept = verdicts.slice(-keep);
  writeFileAtomic(path, kept.map((verdict) => `${JSON.stringify(verdict)}\n`).join(''));
  await chmod(path, 0o644);
  return verdicts.length - kept.length;
}

function parseLine(line: string): Verdict | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Value.Check(Verdict, value) ? value : undefined;
  } catch {
    // A torn line is no JSON; the caller counts it.
    return undefined;
  }
}

async function appendLine(file: FileHandle, size_bytes: number, line: string): Promise<void> {
  // A torn line stays what it is: ours starts on a line of its own.
  const bytes = Buffer.from((await endsInsideLine(file, size_bytes)) ? `\n${line}` : line);
  try {
    let written = 0;
    while (written < bytes.length) {
      written += (await file.write(bytes, written, bytes.length - written, null)).bytesWritten;
    }
    await file.sync();
  } catch (error) {
    await file.truncate(size_bytes).catch(() => {
      // The disk refuses this too. The torn line is skipped by every reader; the error below is what matters.
    });
    throw error;
  }
}

async function endsInsideLine(file: FileHandle, size_bytes: number): Promise<boolean> {
  if (size_bytes === 0) return false;
  const last = new Uint8Array(1);
  await file.read(last, 0, 1, size_bytes - 1);
  return last[0] !== 0x0a;
}

/** `expected` is a line of its own at or after `start_bytes` (another process may have appended meanwhile). */
async function checkLine(path: string, start_bytes: number, expected: string): Promise<void> {
  let text: string;
  try {
    text = await readDirectTail(path, start_bytes, (await stat(path)).size);
  } catch (cause) {
    throw new BulkheadError('GATE_JOURNAL_READ_BACK', `cannot read back ${path}`, { cause });
  }
  if (!text.split('\n').includes(expected)) {
    throw new BulkheadError('GATE_JOURNAL_READ_BACK', `the verdict came back different from ${path}`);
  }
}

/** From `start_bytes` to the end, from the device and not from the page cache. */
async function readDirectTail(path: string, start_bytes: number, size_bytes: number): Promise<string> {
  const aligned_bytes = start_bytes - (start_bytes % DIRECT_IO_ALIGN_BYTES);
  const span_bytes = size_bytes - aligned_bytes;
  const buffer = alignedBuffer(Math.ceil(span_bytes / DIRECT_IO_ALIGN_BYTES) * DIRECT_IO_ALIGN_BYTES);
  const file = await open(path, constants.O_RDONLY | O_DIRECT);
  try {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, aligned_bytes);
    return Buffer.from(buffer.subarray(start_bytes - aligned_bytes, bytesRead)).toString('utf8');
  } finally {
    await file.close();
  }
}

async function readTail(path: string, start_bytes: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc((await file.stat()).size - start_bytes);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start_bytes);
    const text = bytes.subarray(0, bytesRead).toString('utf8');
    // The first line of a tail began before it.
    return start_bytes === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}

/** A new folder is durable only once the folder above it is. */
async function makeFolderDurably(folder: string): Promise<void> {
  if ((await mkdir(folder, { recursive: true })) === undefined) return;
  await chmod(folder, 0o755);
  await syncFolder(dirname(folder));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
