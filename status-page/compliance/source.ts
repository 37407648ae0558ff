import { COMPLIANCE_FRESH_MS } from '../limits.ts';
import { complianceFailed } from '../problem.ts';
import { shortMemory } from '../short-memory.ts';
import { admitReport, type ComplianceReport } from './report.ts';

/** Where the compliance comes from. The agent provides it; a test hands in another. Each of them may fail. */
export interface ComplianceSource {
  /** Held to the schema before anybody sees it. */
  report(): Promise<unknown>;
  csv(): Promise<Uint8Array>;
  pdf(): Promise<Uint8Array>;
}

export interface ComplianceReader {
  /** @throws BulkheadError STATUS_COMPLIANCE_FAILED */
  report(): Promise<ComplianceReport>;
  csv(): Promise<Uint8Array>;
  pdf(): Promise<Uint8Array>;
}

/**
 * A short memory in front of the source: any number of people cost one question each five seconds.
 *
 * @param onProblem told what went wrong with its causes; readers get a sentence without them
 */
export function createComplianceReader(
  source: ComplianceSource | null,
  now_ms: () => number,
  onProblem: (problem: ReturnType<typeof complianceFailed>) => void,
): ComplianceReader {
  const remember = <T>(ask: (source: ComplianceSource) => Promise<T>): (() => Promise<T>) => {
    const question = async () => {
      if (source === null) throw complianceFailed(undefined);
      try {
        return await ask(source);
      } catch (error) {
        const problem = complianceFailed(error);
        onProblem(problem);
        throw problem;
      }
    };
    return shortMemory(question, COMPLIANCE_FRESH_MS, now_ms).ask;
  };
  return {
    report: remember(async (from) => {
      const report = admitReport(await from.report());
      if (report === null) throw new TypeError('what the source gave is no report');
      return report;
    }),
    csv: remember((from) => from.csv()),
    pdf: remember((from) => from.pdf()),
  };
}
