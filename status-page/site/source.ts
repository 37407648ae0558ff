import { BulkheadError } from '../../base/errors.ts';
import { SITE_FRESH_MS, SITE_GLANCE_WAIT_MS } from '../limits.ts';
import { siteFailed } from '../problem.ts';
import { shortMemory } from '../short-memory.ts';
import { admitSiteReport, type SiteReport, type Tier } from './report.ts';

/** What a person fills in to let a sensor in. */
export interface SiteAdmission {
  /** Hex digits. */
  fingerprint: string;
  tier: Tier;
  /** From the screen of the appliance; goes nowhere but to the service. */
  console_code: string;
}

/** Where the site comes from. The agent provides it; a test hands in another. Each of them may fail. */
export interface SiteSource {
  /** Held to the schema before anybody sees it. */
  report(): Promise<unknown>;
  /** @throws BulkheadError SENSOR_NOT_WAITING, SENSOR_CONSOLE_CODE, SENSOR_CONSOLE_LOCKED, and what is no matter of the form */
  admit(admission: SiteAdmission): Promise<void>;
}

export interface SiteReader {
  /** @throws BulkheadError STATUS_SITE_FAILED */
  report(): Promise<SiteReport>;
  /** The same for a place that must not wait for it; null: it is not there in time. */
  glance(): Promise<SiteReport | null>;
  /** @throws BulkheadError of ADMISSION_REFUSALS; STATUS_SITE_FAILED */
  admit(admission: SiteAdmission): Promise<void>;
}

/** What the service refuses in words that are meant for whoever filled in the form, and the HTTP status that goes with each. */
export const ADMISSION_REFUSALS: Readonly<Record<string, number>> = {
  SENSOR_NOT_WAITING: 409,
  SENSOR_CONSOLE_CODE: 403,
  SENSOR_CONSOLE_LOCKED: 429,
};

/**
 * A short memory in front of the source: any number of people cost one question each five seconds.
 *
 * @param onProblem told what went wrong with its causes; readers get a sentence without them
 */
export function createSiteReader(
  source: SiteSource | null,
  now_ms: () => number,
  onProblem: (problem: BulkheadError) => void,
): SiteReader {
  const ask = async <T>(question: (from: SiteSource) => Promise<T>): Promise<T> => {
    if (source === null) throw siteFailed(undefined);
    try {
      return await question(source);
    } catch (error) {
      if (error instanceof BulkheadError && error.code in ADMISSION_REFUSALS) throw error;
      const problem = siteFailed(error);
      onProblem(problem);
      throw problem;
    }
  };
  const look = () =>
    ask(async (from) => {
      const report = admitSiteReport(await from.report());
      if (report === null) throw new TypeError('what the source gave is no report');
      return report;
    });
  const memory = shortMemory(look, SITE_FRESH_MS, now_ms);
  return {
    report: memory.ask,
    glance() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(resolve, SITE_GLANCE_WAIT_MS, null);
      });
      return Promise.race([memory.ask().catch(() => null), late]).finally(() => clearTimeout(timer));
    },
    async admit(admission) {
      try {
        await ask((from) => from.admit(admission));
      } finally {
        memory.forget();
      }
    },
  };
}
