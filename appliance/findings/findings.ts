import type { Database } from 'bun:sqlite';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { SiteStore } from '../site/store/store.ts';
import { assertDetection, type Detection, type Receipt } from './detection.ts';
import { type EventRange, rangeAfter } from './event-range.ts';
import type { Finding } from './fold.ts';
import { EVENT_OVERHEAD_BYTES, EVENTS_MAX_BYTES, RECORD_MAX } from './limits.ts';
import {
  type CheckQuery,
  type CurrentCheck,
  countFindings,
  currentChecks,
  type EventQuery,
  type FindingCounts,
  type FindingQuery,
  findEvents,
  findFindings,
  type StoredEvent,
} from './queries.ts';
import { recordDetection, sizeOf, tooMany } from './record.ts';
import { keepWithin, type Retention } from './retention.ts';
import { settleFinding } from './settle.ts';

export type { EventRange, Finding, FindingCounts, StoredEvent };

/** What was detected on the site, and what is open because of it. */
export interface Findings {
  /**
   * Resolves when everything is on the disk (one commit for many callers: group commit). Rejects as a whole; then nothing of it is recorded.
   *
   * @param closes_as whom findings are closed by that this closes: `healing` for the second look of a healing
   * @throws BulkheadError SITE_STORE_FULL, SITE_STORE_FAILED, SITE_STORE_STOPPED, SITE_BUSY; DETECTION_INVALID, FINDING_CHECKS_MAX
   */
  record(detections: readonly Detection[], closes_as?: 'detection' | 'healing'): Promise<Receipt[]>;
  /** Latest first. */
  open(): Finding[];
  counts(): FindingCounts;
  /** Latest first. @param query `before`: the id of the last one of the page before */
  find(query: FindingQuery): Finding[];
  /** Latest first. @param query `before`: the `seq` of the last one of the page before, in decimal digits */
  events(query: EventQuery): StoredEvent[];
  /** What each check of each subject said last. */
  checks(query: CheckQuery): CurrentCheck[];
  /**
   * An operator closes an open finding; or a healing is named as what closed one that a sensor's own second look has closed.
   *
   * @returns the finding as it stands then; null: there is none that this could be said of
   */
  settle(id: string, by: 'healing' | 'operator'): Promise<Finding | null>;
  /** Digest of the events behind one; null: there are none. For sealing them in evidence, range after range. */
  rangeAfter(seq: number): EventRange | null;
  /** Called behind the commit, in order, for every first detection. @returns ends it */
  onDetection(listener: (detection: Detection, receipt: Receipt) => void): () => void;
  /**
   * Awaited before events are removed because they are too many or too old, with the highest number among them; where it rejects, they
   * stay, and what comes finds no room in the end. @returns ends it
   */
  onRemoval(listener: (last_seq: number) => Promise<void>): () => void;
  stop(): void;
}

export interface FindingsParts {
  store: SiteStore;
  now_ms: () => number;
  /** Told what went wrong where nobody waits for an answer. */
  warn: (message: string) => void;
  /** What events may take in the store; default EVENTS_MAX_BYTES. */
  events_max_bytes?: number;
}

/** Detections, events and findings in the store of the site, whose tables (FINDINGS_PART) have been handed to it. */
export function createFindings({ store, now_ms, warn, events_max_bytes }: FindingsParts): Findings {
  const { database } = store;
  const listeners = new Set<(detection: Detection, receipt: Receipt) => void>();
  const removalListeners = new Set<(last_seq: number) => Promise<void>>();
  const retention: Retention = keepWithin({
    ...{ store, now_ms, warn },
    async beforeRemoval(last_seq) {
      for (const listener of removalListeners) await listener(last_seq);
    },
    max_bytes: events_max_bytes ?? EVENTS_MAX_BYTES,
  });

  const tell = (detection: Detection, receipt: Receipt) => {
    for (const listener of listeners)
      try {
        listener(detection, receipt);
      } catch (error) {
        warn(`whoever was told of ${receipt.event_id} failed: ${describeError(error)}`);
      }
  };
  return {
    async record(detections, closes_as = 'detection') {
      if (detections.length > RECORD_MAX) throw tooMany(detections.length);
      for (const detection of detections) assertDetection(detection);
      const sizes = detections.map(sizeOf);
      const size_bytes = sizes.reduce((sum, size) => sum + size, 0);
      const record = (file: Database) => {
        const received_ms = now_ms();
        return detections.map((detection, index) =>
          recordDetection(file, detection, { received_ms, closes_as, size_bytes: sizes[index] ?? 0 }),
        );
      };
      const receipts = await store.write(record, size_bytes).catch((error: unknown) => {
        if (error instanceof BulkheadError && error.code === 'SITE_STORE_FULL') retention.full();
        throw error;
      });
      receipts.forEach((receipt, index) => {
        const detection = detections[index];
        if (!receipt.first || detection === undefined) return;
        retention.added(detection.subject, sizes[index] ?? 0);
        tell(detection, receipt);
      });
      return receipts;
    },
    open: () => findFindings(database, { state: 'open' }, 'all'),
    counts: () => countFindings(database),
    find: (query) => findFindings(database, query),
    events: (query) => findEvents(database, query),
    checks: (query) => currentChecks(database, query),
    settle: (id, by) =>
      store.write(
        (file) => settleFinding(file, id, by, new Date(now_ms()).toISOString()),
        EVENT_OVERHEAD_BYTES,
      ),
    rangeAfter: (seq) => rangeAfter(database, seq),
    onDetection(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onRemoval(listener) {
      removalListeners.add(listener);
      return () => removalListeners.delete(listener);
    },
    stop() {
      listeners.clear();
      retention.stop();
    },
  };
}
