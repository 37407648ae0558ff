import type { BootMode } from '../../partitions/boot-machine.ts';
import { isSlot, type Slot } from '../../partitions/slot.ts';
import { BOOT_ENDINGS, type BootEnding } from './classify.ts';

/** The kernel's log of one boot that ended. */
export interface BootLog {
  /** Counts up over all logs of this appliance. */
  number: number;
  /** When it ended, by the clock it had (ISO 8601, UTC); null where it had none. */
  at: string | null;
  slot: Slot | null;
  attempt: number | null;
  mode: BootMode | null;
  /** Of the image that ran; null when it did not come as far as finding out. */
  version: string | null;
  /** The kernel's random id of that boot. */
  bootId: string | null;
  ending: BootEnding;
  /** Lines in front of these were left out. */
  cut: boolean;
  /** Lost bits could not be repaired: the text may be wrong in places. */
  damaged: boolean;
  /** Printable text, oldest first. */
  lines: string[];
}

/** How a boot ended, for people. */
export const ENDING_WORDS: Readonly<Record<BootEnding, string>> = {
  clean: 'restarted or powered off',
  panic: 'ended in a panic',
  stopped: 'stopped: it hung or was reset',
};

const FORMAT = 'bulkhead-boot-log 1';
const FILE_NAME = /^(\d{6})-(?:A|B|unknown)\.txt$/;

/** `000017-B.txt`. */
export function bootLogFileName({ number, slot }: Pick<BootLog, 'number' | 'slot'>): string {
  return `${String(number).padStart(6, '0')}-${slot ?? 'unknown'}.txt`;
}

/** The number in a file name; null when it is no boot log. */
export function bootLogNumber(fileName: string): number | null {
  const digits = FILE_NAME.exec(fileName)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** A boot log as its file: a header of `name: value`, an empty line, the text. */
export function renderBootLog(log: BootLog): string {
  const header = {
    ...{ at: log.at, slot: log.slot, attempt: log.attempt, mode: log.mode, version: log.version },
    ...{ boot: log.bootId, ending: log.ending, cut: log.cut, damaged: log.damaged },
  };
  const facts = Object.entries(header).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${String(value)}`],
  );
  return `${[FORMAT, ...facts, '', ...log.lines].join('\n')}\n`;
}

/** Reads what renderBootLog wrote; null for anything else. */
export function parseBootLog(number: number, file: string): BootLog | null {
  const end = file.indexOf('\n\n');
  const [format, ...facts] = file.slice(0, Math.max(end, 0)).split('\n');
  if (format !== FORMAT || !file.endsWith('\n')) return null;
  const values = new Map(facts.map((fact) => [fact.split(': ', 1)[0], fact.slice(fact.indexOf(': ') + 2)]));
  const ending = BOOT_ENDINGS.find((known) => known === values.get('ending'));
  if (!ending) return null;
  const text = file.slice(end + 2, -1);
  return {
    number,
    at: instant(values.get('at')),
    ...parseIdentity((name) => values.get(name)),
    bootId: values.get('boot') ?? null,
    ending,
    cut: values.get('cut') === 'true',
    damaged: values.get('damaged') === 'true',
    lines: text === '' ? [] : text.split('\n'),
  };
}

/** What a boot says of itself, as text. */
export function parseIdentity(
  value: (name: 'slot' | 'attempt' | 'mode' | 'version') => string | undefined,
): Pick<BootLog, 'slot' | 'attempt' | 'mode' | 'version'> {
  const [slot, attempt, mode] = [value('slot'), value('attempt'), value('mode')];
  return {
    slot: isSlot(slot) ? slot : null,
    attempt: attempt !== undefined && /^[0-5]$/.test(attempt) ? Number(attempt) : null,
    mode: mode === 'normal' || mode === 'trial' || mode === 'rescue' ? mode : null,
    version: value('version') ?? null,
  };
}

function instant(text: string | undefined): string | null {
  return text !== undefined && !Number.isNaN(Date.parse(text)) ? text : null;
}
