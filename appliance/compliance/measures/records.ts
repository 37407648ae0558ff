import type { Sight } from '../look/sight.ts';
import { age_s } from './freshness.ts';
import { fails, holds, type Measured, unknown } from './measured.ts';

const DAY_S = 86_400;
/** Seven days: a coordinator that is away for longer is an incident of its own. */
const COUNTERSIGNED_MAX_AGE_S = 7 * DAY_S;
const OFFSET_MAX_MS = 1_000;

export function measureEvidence({ evidence }: Sight): Measured {
  if (evidence === null) return unknown('the evidence log cannot be asked');
  if (evidence.whole === null) return unknown(evidence.message);
  return evidence.whole ? holds('whole, signed, and open for more') : fails(evidence.message);
}

export function measureCountersigned(sight: Sight): Measured {
  const { evidence } = sight;
  if (evidence === null) return unknown('the evidence log cannot be asked');
  if (evidence.countersigned_at === null) return fails('the coordinator has countersigned nothing');
  const age = age_s(sight, evidence.countersigned_at);
  if (age === null) return unknown('the last checkpoint lies ahead of the clock');
  return age <= COUNTERSIGNED_MAX_AGE_S
    ? holds('within seven days')
    : fails(`last at ${evidence.countersigned_at}`);
}

export function measureSynchronised({ clock, at_ms }: Sight): Measured {
  if (clock.synchronised_ms === null) return fails('no time server has answered in this boot');
  const age = (at_ms - clock.synchronised_ms) / 1000;
  return age <= DAY_S ? holds('within 24 hours') : fails('no time server has answered for 24 hours');
}

export function measureOffset({ clock: { offset_ms } }: Sight): Measured {
  if (offset_ms === null) return unknown('no exchange with a time server is on record');
  return Math.abs(offset_ms) < OFFSET_MAX_MS
    ? holds('less than a second away')
    : fails(`${Math.round(offset_ms / 1000)} s away`);
}
