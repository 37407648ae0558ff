import type { Admitter, CapabilityTier } from '../registry/sensor.ts';
import { AGAIN_MS, CODE_AGE_MS, WAITING_AGE_MS } from './limits.ts';

/** A one-time code that was made, and what became of it. */
export interface CodeRow {
  hash: string;
  tier: CapabilityTier;
  made_by: string;
  made_ms: number;
  used_ms: number | null;
  /** Whom it let in, and by which claim it came. */
  sensor: string | null;
  claim: string | null;
  /** Where it was used from; null: not known. */
  address: string | null;
}

/** Somebody who asked to be let in without a code. */
export interface WaitingRow {
  /** SHA-256 of the claim, hex. */
  claim: string;
  way: string;
  address: string;
  hostname: string;
  os_version: string;
  agent_version: string;
  first_ms: number;
  verdict: 'waiting' | 'approved' | 'refused' | 'admitted';
  verdict_ms: number | null;
  verdict_by: Admitter | null;
  tier: CapabilityTier | null;
  sensor: string | null;
}

export interface AdmissionCase {
  now_ms: number;
  /** SHA-256 of what it brought; null: it brought none. */
  code: string | null;
  claim: string | null;
  /** What is known of these; null: nothing. */
  code_row: CodeRow | null;
  waiting_row: WaitingRow | null;
  /** Whether the sensor that was let in by these has been heard since. */
  heard: (sensor: string) => boolean;
}

export type AdmissionVerdict =
  | { verdict: 'admit'; by: Admitter; tier: CapabilityTier }
  /** It was let in, and the answer got lost. `from`: the address it was let in at; null: not known. */
  | { verdict: 'again'; sensor: string; from: string | null }
  | { verdict: 'wait' }
  /** `failure`: counts against the address, because it is what guessing looks like. */
  | {
      verdict: 'refuse';
      code: 'SENSOR_CODE_UNKNOWN' | 'SENSOR_REFUSED' | 'SENSOR_CLAIM_MISSING';
      failure: boolean;
    };

/** Whether somebody is let in who has no certificate and no key. Pure. */
export function decideAdmission(asked: AdmissionCase): AdmissionVerdict {
  if (asked.code !== null) return decideByCode(asked);
  if (asked.claim === null) return { verdict: 'refuse', code: 'SENSOR_CLAIM_MISSING', failure: false };
  return decideByClaim(asked);
}

function decideByCode({ now_ms, claim, code_row, heard }: AdmissionCase): AdmissionVerdict {
  const refused = { verdict: 'refuse', code: 'SENSOR_CODE_UNKNOWN', failure: true } as const;
  if (code_row === null) return refused;
  const { used_ms, made_ms, sensor, address: from } = code_row;
  if (used_ms === null)
    return now_ms - made_ms < CODE_AGE_MS ? { verdict: 'admit', by: 'code', tier: code_row.tier } : refused;
  // A code counts once. Who used it shows that by the claim that came with it.
  const same = claim !== null && claim === code_row.claim && sensor !== null;
  return same && now_ms - used_ms < AGAIN_MS && !heard(sensor) ? { verdict: 'again', sensor, from } : refused;
}

function decideByClaim({ now_ms, waiting_row, heard }: AdmissionCase): AdmissionVerdict {
  const refused = { verdict: 'refuse', code: 'SENSOR_REFUSED', failure: false } as const;
  if (waiting_row === null) return { verdict: 'wait' };
  const { verdict, verdict_ms, verdict_by, tier, sensor, address: from } = waiting_row;
  const since_ms = now_ms - (verdict_ms ?? now_ms);
  if (verdict === 'refused') return refused;
  if (verdict === 'admitted')
    return sensor !== null && since_ms < AGAIN_MS && !heard(sensor)
      ? { verdict: 'again', sensor, from }
      : refused;
  if (verdict === 'approved' && since_ms < WAITING_AGE_MS && verdict_by !== null && tier !== null)
    return { verdict: 'admit', by: verdict_by, tier };
  return { verdict: 'wait' };
}
