import type { Api } from '../client/api.ts';
import { CODE_LIFE_MS, CODE_USES_MAX } from './limits.ts';

/** Codes that let a fleet in, each for a part of it. */
export interface FleetCodes {
  codeFor(index: number): string | undefined;
  /** From then on they let nobody in. */
  revoke(): Promise<void>;
}

/**
 * What an operator does before a delivery: prepares codes for as many appliances as there are.
 *
 * @param note for whoever finds them in the list
 * @throws BulkheadError what the coordinator says
 */
export async function prepareCodes(api: Api, appliances: number, note: string): Promise<FleetCodes> {
  const made: { id: string; code: string }[] = [];
  for (let first = 0; first < appliances; first += CODE_USES_MAX) {
    const uses_max = Math.min(CODE_USES_MAX, appliances - first);
    const wanted = { note, uses_max, expires_ms: Date.now() + CODE_LIFE_MS };
    made.push((await api.call('POST', '/api/v1/enrolment-codes', wanted)) as { id: string; code: string });
  }
  return {
    codeFor: (index) => made[Math.floor(index / CODE_USES_MAX)]?.code,
    async revoke() {
      for (const { id } of made) await api.call('DELETE', `/api/v1/enrolment-codes/${id}`);
    },
  };
}
