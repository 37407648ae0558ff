import { COMPLIANCE_FRESH_MS } from '../limits.ts';
import { complianceFailed } from '../problem.ts';
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
    let last: { at_ms: number; answer: Promise<T> } | null = null;
    return () => {
      if (last === null || now_ms() - last.at_ms >= COMPLIANCE_FRESH_MS) {
        const answer = (async () => {
          if (source === null) throw complianceFailed(undefined);
          try {
            return await ask(source);
          } catch (error) {
            const problem = complianceFailed(error);
            onProblem(problem);
            throw problem;
          }
        })();
        // A question that takes longer than the memory lasts is not asked a second time beside the first.
        last = { at_ms: Number.POSITIVE_INFINITY, answer };
        const asked = last;
        const done = () => {
          asked.at_ms = now_ms();
        };
        answer.then(done, done);
      }
      return last.answer;
    };
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
