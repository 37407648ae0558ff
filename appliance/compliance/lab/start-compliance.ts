import { join } from 'node:path';
import { createFindings, type Findings } from '../../findings/findings.ts';
import { FINDINGS_PART } from '../../findings/tables.ts';
import { openSiteStore, type SiteStore } from '../../site/store/store.ts';
import { type Compliance, createCompliance, type SampleEvidence } from '../compliance.ts';
import type { Sight } from '../look/sight.ts';
import type { Machine } from '../machines.ts';
import { COMPLIANCE_PART } from '../samples.ts';
import { goodSight, NOON_MS } from './sight.ts';

/** A compliance of its own on a real store, with a clock and a sight that a test sets. */
export interface ComplianceLab {
  compliance: Compliance;
  findings: Findings;
  store: SiteStore;
  /** What is seen at the next look; its time is that of the clock. */
  sight: Sight;
  clock_ms: number;
  evidence: SampleEvidence[];
  warnings: string[];
  stop(): Promise<void>;
}

export function startCompliance(
  folder: string,
  machines: (() => readonly Machine[]) | null = null,
): ComplianceLab {
  const warnings: string[] = [];
  const evidence: SampleEvidence[] = [];
  const warn = (words: string) => void warnings.push(words);
  const set: Pick<ComplianceLab, 'sight' | 'clock_ms'> = { sight: goodSight(), clock_ms: NOON_MS };
  const now_ms = () => set.clock_ms;
  const store = openSiteStore({
    ...{ file: join(folder, 'site.db'), parts: [FINDINGS_PART, COMPLIANCE_PART], warn },
  });
  const findings = createFindings({ store, now_ms, warn });
  const compliance = createCompliance({
    ...{ store, findings, machines, now_ms, warn },
    look: async () => ({ ...set.sight, at_ms: set.clock_ms }),
    hostname: () => 'bulkhead-1',
    sampled: async (body) => evidence.push(body),
  });
  const stop = async () => {
    await compliance.stop();
    findings.stop();
    store.stop();
  };
  return Object.assign(set, { compliance, findings, store, evidence, warnings, stop });
}
