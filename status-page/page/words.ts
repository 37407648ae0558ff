import { PAGE_SENTENCE_MAX_BYTES, PAGE_VALUE_MAX_BYTES } from '../limits.ts';

/** What stands where a fact is not known. */
export const UNKNOWN = 'not known';

/** Bytes of a text in the page's source. */
export function textCost_bytes(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += cost_bytes(character);
  return bytes;
}

/** Bytes of a character in the page's source: escaped where HTML needs it, UTF-8 otherwise. */
function cost_bytes(character: string): number {
  if ('<>&"\''.includes(character)) return 5;
  const point = character.codePointAt(0) ?? 0;
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/**
 * Cuts a text so that it takes no more than so many bytes of the page; the whole of it is in the JSON.
 * Counting bytes and not characters keeps the page small even when all characters are expensive ones.
 */
export function clip(text: string, max_bytes = PAGE_SENTENCE_MAX_BYTES): string {
  let used_bytes = 0;
  let kept = '';
  let last = '';
  for (const character of text) {
    used_bytes += cost_bytes(character);
    // The last one that fitted makes room for the dots.
    if (used_bytes > max_bytes) return `${kept}…`;
    kept += last;
    last = character;
  }
  return text;
}

const ESCAPE = String.fromCharCode(27);
/** CSI sequences (ECMA-48, 5.4): colours and cursor movements. */
const TERMINAL_SEQUENCES = new RegExp(`${ESCAPE}\\[[0-?]*[ -/]*[@-~]`, 'g');

/** A line of a console without what only a terminal understands. */
export function consoleLine(line: string): string {
  return line
    .replace(TERMINAL_SEQUENCES, '')
    .replaceAll('\t', '  ')
    .replace(/\p{Cc}/gu, '');
}

/** `Slot A runs.`: a clause as a sentence of its own. */
export function sentence(clause: string): string {
  const first = clause.charAt(0).toUpperCase();
  return `${first}${clause.slice(1)}${/[.!?…]$/.test(clause) || clause === '' ? '' : '.'}`;
}

/** A name or a value, which is shorter than a sentence. */
export function brief(text: string): string {
  return clip(text, PAGE_VALUE_MAX_BYTES);
}

/** The start of a hash or key: enough for people to compare. */
export function shortHash(hash: string, digits = 12): string {
  return hash.length <= digits ? hash : `${hash.slice(0, digits)}…`;
}

// Making a formatter costs more than using it a thousand times, and the zone of an appliance hardly ever changes.
let formatter: { zone: string; format: Intl.DateTimeFormat } | null = null;

/** `21 Nov 2026, 03:02:11` in the zone of the appliance; UTC and saying so when that zone does not exist. */
export function formatTime(iso: string, zone: string): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return UNKNOWN;
  if (formatter?.zone !== zone) formatter = { zone, format: makeFormatter(zone) };
  return formatter.format.format(at);
}

function makeFormatter(zone: string): Intl.DateTimeFormat {
  const style = {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  } as const;
  try {
    return new Intl.DateTimeFormat('en-GB', { ...style, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...style, timeZone: 'UTC', timeZoneName: 'short' });
  }
}

/** `+12 ms`, `-1.8 s`. */
export function formatOffset(offset_ms: number): string {
  const sign = offset_ms < 0 ? '−' : '+';
  const size_ms = Math.abs(offset_ms);
  return size_ms < 1000 ? `${sign}${Math.round(size_ms)} ms` : `${sign}${(size_ms / 1000).toFixed(1)} s`;
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
