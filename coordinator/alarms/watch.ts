import type { Coordinator } from '../context.ts';
import { dropLease, holdLease } from '../database/lease.ts';
import { carryOut, readOpen } from './carry-out.ts';
import { judge } from './judge.ts';
import { ALARM_LEASE_MS, DRIFT_INTERVAL_MS } from './limits.ts';
import { type LookedAt, readFacts } from './read-facts.ts';
import { countReports, forgetCounts } from './report-counts.ts';

const LEASE = 'alarms';

export interface Watch {
  /** Looks once, if no other coordinator does. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/** @param process a name that no other coordinator has */
export function watchFleet(coordinator: Coordinator, process: string): Watch {
  const { database, now_ms } = coordinator;
  const counts = countReports(coordinator, process);
  const looked: LookedAt = { report: null, drift_ms: Number.NEGATIVE_INFINITY };
  return {
    async look() {
      await counts.write();
      const at_ms = now_ms();
      const lease = { name: LEASE, holder: process, now_ms: at_ms, for_ms: ALARM_LEASE_MS };
      if (!(await holdLease(database, lease))) return;
      const withDrift = at_ms - looked.drift_ms >= DRIFT_INTERVAL_MS;
      if (withDrift) await forgetCounts(coordinator);
      const { report } = looked;
      const { facts, next_report } = await readFacts(coordinator, await readOpen(database), {
        report,
        withDrift,
      });
      await carryOut(coordinator, judge(facts));
      // Only now: what could not be written is looked at again.
      looked.report = next_report;
      if (withDrift) looked.drift_ms = at_ms;
    },
    async stop() {
      await counts.write();
      await dropLease(database, LEASE, process);
    },
  };
}
