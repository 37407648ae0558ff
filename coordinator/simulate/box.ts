import { fingerprintDigest } from '../../protocol/messages/fingerprint.ts';
import type { SessionKey } from '../../protocol/session-key/session-key.ts';
import type { Act, Running } from './acts.ts';
import { fingerprintOf, machineOf } from './identity.ts';

/**
 * One simulated appliance: what a real one has in memory and on its disk, as little as it takes. `new`: has to enrol. `waiting`: has asked.
 * `starting`: is in, and has to say what it is. `live`: sends heartbeats. `gone`: does nothing any more.
 */
export interface Box extends Running {
  readonly index: number;
  /** Empty before it enrols. */
  key_id: string;
  state: 'new' | 'waiting' | 'starting' | 'live' | 'gone';
  sequence: number;
  slot: 'A' | 'B';
  /** Of the fingerprint that was reported last; null: none was. */
  digest: string | null;
  booted_ms: number;
  update: { version: string; state: string } | null;
  session: SessionKey | null;
  /** When the next heartbeat is due; Infinity while it is down. */
  heartbeat_ms: number;
  /** When it tells of its site next; Infinity: it has none. */
  site_ms: number;
  /** What it still has to do for its orders, in order; the first is due at `act_ms`. */
  acts: Act[];
  act_ms: number;
  /** `ID/ATTEMPT` of orders that it has taken lately. */
  taken: string[];
  /** Nothing is sent before then: the coordinator said so, or did not answer. */
  quiet_until_ms: number;
  /** Requests in a row that nobody answered. */
  failures: number;
}

/** @param at_ms when it is switched on; its sequence starts there, so that the same fleet may come again */
export function makeBox(index: number, version: string, at_ms: number): Box {
  return {
    ...{ index, key_id: '', state: 'new', sequence: Math.floor(at_ms) },
    ...{ version, before: version, slot: 'A', digest: null, booted_ms: at_ms, update: null, session: null },
    ...{
      heartbeat_ms: at_ms,
      site_ms: Number.POSITIVE_INFINITY,
      acts: [],
      act_ms: 0,
      taken: [],
      quiet_until_ms: 0,
      failures: 0,
    },
  };
}

/** When something is to be done next; Infinity: never again. */
export function dueOf(box: Box): number {
  if (box.state === 'gone') return Number.POSITIVE_INFINITY;
  const act_ms = box.acts.length > 0 ? box.act_ms : Number.POSITIVE_INFINITY;
  const next_ms =
    box.state === 'live' ? Math.min(box.heartbeat_ms, act_ms, siteDueOf(box)) : box.heartbeat_ms;
  return Math.max(next_ms, box.quiet_until_ms);
}

/** When it tells of its site; never while it is down, which no heartbeat is due in. */
export function siteDueOf({ heartbeat_ms, site_ms }: Box): number {
  return heartbeat_ms === Number.POSITIVE_INFINITY ? heartbeat_ms : site_ms;
}

/** More to do, behind what there is to do already. */
export function addActs(box: Box, acts: readonly Act[], now_ms: number): void {
  if (box.acts.length === 0) box.act_ms = now_ms + (acts[0]?.after_ms ?? 0);
  box.acts.push(...acts);
}

/** The first act is done; the next is due so long after it. */
export function endAct(box: Box, now_ms: number): void {
  box.acts.shift();
  box.act_ms = now_ms + (box.acts[0]?.after_ms ?? 0);
}

/** What it says of itself now. */
export function fingerprintFor(box: Box, seed: string) {
  const fingerprint = fingerprintOf(machineOf(seed, box.index), box);
  box.digest = fingerprintDigest(fingerprint);
  return fingerprint;
}

/** It runs another version from here on, out of the other slot. */
export function bootInto(box: Box, version: string, now_ms: number): void {
  if (version !== box.version) {
    box.before = box.version;
    box.version = version;
    box.slot = box.slot === 'A' ? 'B' : 'A';
  }
  box.booted_ms = now_ms;
  // Memory is gone with a boot, and a session key is nowhere else.
  box.session = null;
}
