import { type BootLog, parseIdentity } from './boot-log.ts';
import { classifyBootLog } from './classify.ts';
import { kernelLines } from './kernel-line.ts';
import { BOOT_LOG_TEXT_MAX_BYTES } from './limits.ts';

/** What a record of the kernel tells of the boot it is from. */
export type BootRecord = Omit<BootLog, 'number' | 'at'>;

/** What the initrd says of a boot, twice: `bulkhead-initrd: boot slot=B attempt=2 mode=trial id=… version=…`. */
const IDENTITY = /^bulkhead-initrd: boot (.+)$/;
/** In front of the log: why it was taken (fs/pstore/platform.c). */
const REASON = /^(?:Panic|Oops|Emergency|Shutdown|Unknown)#\d+ Part\d+\n/;
/** Behind it: what the error-correcting code found (fs/pstore/ram_core.c). */
const CORRECTION = /\n?\nECC: ([^\n]*)\n*$/;

/** Reads a record as pstore shows it. Whatever it holds, the lines are printable and bounded. Pure. */
export function parseRecord(bytes: Uint8Array): BootRecord {
  const raw = new TextDecoder().decode(bytes);
  const correction = CORRECTION.exec(raw)?.[1] ?? '';
  const text = raw.replace(CORRECTION, '').replace(REASON, '');
  const lines = kernelLines(text);
  const facts = new Map<string, string>();
  for (const { message } of lines) {
    for (const word of IDENTITY.exec(message)?.[1]?.split(' ') ?? []) {
      const [name = '', value = ''] = word.split('=', 2);
      // Who comes first is the initrd; a later line of that name could be anybody's.
      if (value !== '' && !facts.has(name)) facts.set(name, value);
    }
  }
  const shown = lines.map((line) => line.shown);
  while (shown.at(-1) === '') shown.pop();
  const kept = lastLines(shown, BOOT_LOG_TEXT_MAX_BYTES);
  return {
    ...parseIdentity((name) => facts.get(name)),
    bootId: facts.get('id') ?? null,
    ending: classifyBootLog(text),
    cut: kept.length < shown.length,
    damaged: /[1-9]\d* unrecoverable blocks/.test(correction),
    lines: kept,
  };
}

/** As many whole lines from the end as fit into so many bytes, line breaks counted. */
export function lastLines(lines: readonly string[], max_bytes: number): string[] {
  let size_bytes = 0;
  let first = lines.length;
  for (; first > 0; first -= 1) {
    size_bytes += Buffer.byteLength(lines[first - 1] ?? '') + 1;
    if (size_bytes > max_bytes) break;
  }
  return lines.slice(first);
}
