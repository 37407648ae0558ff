import { type Evidence, type EvidenceOptions, openEvidence } from '../../appliance/evidence/evidence.ts';
import { evidenceKey } from './evidence-key.ts';

/** A log in a folder of its own, by a clock that only a test moves. */
export async function openLog(folder: string, options: Partial<EvidenceOptions> = {}): Promise<Evidence> {
  return await openEvidence({
    ...{ folder, key: evidenceKey(), now: () => new Date('2026-11-21T20:30:00Z') },
    ...{ random: (size_bytes) => crypto.getRandomValues(new Uint8Array(size_bytes)), warn: () => {} },
    ...options,
  });
}

/** An entry that somebody would want on record. */
export function healed(number: number) {
  const body = { check_type: 'firewall', number, output: 'x'.repeat(40), subject: 's-0123456789abcdef' };
  return { kind: 'healing.ended' as const, body };
}
