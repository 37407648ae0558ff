import { randomUUID } from 'node:crypto';
import { TEXT_MAX_CHARACTERS } from './limits.ts';

/** What a check found out. */
export interface Reading {
  /** firewall, ssh, patches, …; `[a-z0-9_.-]{1,64}`. */
  check_type: string;
  passed: boolean;
  expected: string;
  actual: string;
  /** The control it speaks of, e.g. `164.312(a)(1)`; null: the appliance's register decides. */
  control: string | null;
  metadata?: Readonly<Record<string, string>>;
}

/** A reading with its place in time, as it waits and as it is sent; the same each time it is sent. */
export interface SensorEvent extends Reading {
  /** Of this event alone. Stands in its metadata, too: two events of the same second are two, one that is sent twice is one. */
  event_id: string;
  /** Unix seconds. */
  at_s: number;
  metadata: Readonly<Record<string, string>>;
}

/** @param now_s Unix seconds */
export function makeEvent(reading: Reading, now_s: number, event_id: string = randomUUID()): SensorEvent {
  return {
    ...reading,
    expected: shorten(reading.expected),
    actual: shorten(reading.actual),
    event_id,
    at_s: now_s,
    metadata: { ...reading.metadata, event_id },
  };
}

/** Cut where it is longer than fits, with a mark that says how much is missing. */
export function shorten(text: string, max_characters = TEXT_MAX_CHARACTERS): string {
  // Half of a pair of surrogates is no text in UTF-8.
  const whole = text.toWellFormed();
  if (whole.length <= max_characters) return whole;
  const kept = whole.slice(0, max_characters).replace(/[\ud800-\udbff]$/, '');
  return `${kept} … (${whole.length - kept.length} characters more)`;
}
