import type { Detection, Receipt } from '../../findings/detection.ts';
import type { SiteStore } from '../../site/store/store.ts';
import type { Stop, StopReason } from '../decide/decide.ts';

/** A stop, with where it is. */
export interface StoppedCheck extends Stop {
  subject: string;
  hostname: string;
  check_type: string;
  rule_id: string;
  lifted_by: 'operator' | 'quiet' | null;
}

export interface Stops {
  find(subject: string, check_type: string): StoppedCheck | null;
  /** Those that hold. */
  standing(): StoppedCheck[];
  put(
    detection: Detection,
    rule_id: string,
    stop: { why: StopReason; now_s: number; quiet_s: number },
  ): Promise<void>;
  /** @returns false: there was none */
  lift(subject: string, check_type: string, by: 'operator' | 'quiet', now_s: number): Promise<boolean>;
  /** Notes that a stopped check fails, or has failed until now. */
  saw(detection: Detection, transition: Receipt['transition'], now_s: number): Promise<void>;
}

/** Checks at which healing has come to its limit, durable: a restart begins nothing anew. */
export function openStops({ database, write }: Pick<SiteStore, 'database' | 'write'>): Stops {
  const standing = () =>
    database
      .query<StoppedCheck, []>('select * from healing_stops where lifted_s is null order by since_s desc')
      .all();
  /** Nearly all detections are of checks that were never stopped. */
  const stopped = new Set(standing().map(keyOf));
  return {
    standing,
    find: (subject, check_type) =>
      database
        .query<StoppedCheck, [string, string]>(
          'select * from healing_stops where subject = ? and check_type = ?',
        )
        .get(subject, check_type),
    async put({ subject, check_type, hostname }, rule_id, { why, now_s, quiet_s }) {
      await write((file) =>
        file
          .query(
            `insert into healing_stops (subject, check_type, hostname, rule_id, why, since_s, last_bad_s, quiet_s)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
             on conflict (subject, check_type) do update set hostname = ?3, rule_id = ?4, why = ?5, since_s = ?6, last_bad_s = ?6,
               quiet_s = ?7, lifted_s = null, lifted_by = null`,
          )
          .run(subject, check_type, hostname, rule_id, why, now_s, quiet_s),
      );
      stopped.add(keyOf({ subject, check_type }));
    },
    async lift(subject, check_type, by, now_s) {
      const changes = await write(
        (file) =>
          file
            .query(
              'update healing_stops set lifted_s = ?, lifted_by = ? where subject = ? and check_type = ? and lifted_s is null',
            )
            .run(now_s, by, subject, check_type).changes,
      );
      stopped.delete(keyOf({ subject, check_type }));
      return changes > 0;
    },
    async saw({ subject, check_type, passed }, transition, now_s) {
      if (!stopped.has(keyOf({ subject, check_type }))) return;
      // The first that fails again after a pause is what is judged by it.
      if (passed ? transition !== 'closed' : transition !== 'still_open') return;
      await write((file) =>
        file
          .query('update healing_stops set last_bad_s = ? where subject = ? and check_type = ?')
          .run(now_s, subject, check_type),
      );
    },
  };
}

function keyOf({ subject, check_type }: { subject: string; check_type: string }): string {
  return `${subject} ${check_type}`;
}
