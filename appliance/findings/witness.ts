import { describeError } from '../../base/errors.ts';
import { createRateLimit, type RateLimit } from '../../base/rate-limit.ts';
import type { EvidenceEntry, EvidenceLog } from '../evidence/entry.ts';
import { ENTRIES_MAX } from '../evidence/limits.ts';
import type { StorePart } from '../site/store/migrations.ts';
import type { SiteStore } from '../site/store/store.ts';
import type { Findings } from './findings.ts';
import {
  CHANGES_BURST,
  CHANGES_PER_HOUR,
  CHANGES_SUBJECTS_MAX,
  SEAL_INTERVAL_MS,
  WITNESS_RETRY_MS,
} from './limits.ts';
import type { FindingRow } from './tables.ts';

/**
 * What evidence has still to hold of findings, and how far it has sealed events. Whoever opens or closes a finding leaves a line in
 * `finding_changes`, in the same transaction: an order by time would miss what a slow clock or a sensor's queue puts before what is
 * on record already.
 */
export const WITNESS_PART: StorePart = {
  name: 'witness',
  steps: [
    `create table witness (
      one integer primary key check (one = 1),
      told_until text not null,
      sealed_seq integer not null
    ) strict;
    insert into witness values (1, '', 0);
    create index findings_opened on findings (opened_at);
    create index findings_closed on findings (closed_at);`,
    `create table finding_changes (
      seq integer primary key,
      subject text not null,
      finding text not null,
      change text not null
    ) strict;
    create index finding_changes_of on finding_changes (finding);
    insert into finding_changes (subject, finding, change)
      select subject, id, 'opened' from findings where opened_at >= (select told_until from witness) order by id;
    insert into finding_changes (subject, finding, change)
      select subject, id, 'closed' from findings where closed_at >= (select told_until from witness) order by id;
    create trigger finding_opens after insert on findings begin
      insert into finding_changes (subject, finding, change) values (new.subject, new.id, 'opened');
    end;
    create trigger finding_closes after update of state on findings when old.state = 'open' and new.state = 'closed' begin
      insert into finding_changes (subject, finding, change) values (new.subject, new.id, 'closed');
    end;
    create trigger finding_goes after delete on findings begin
      delete from finding_changes where finding = old.id;
    end;`,
    // The event that opens or closes a finding has just been written, in the same transaction.
    `alter table finding_changes add column received_ms integer;
    create trigger finding_change_received after insert on finding_changes begin
      update finding_changes set received_ms = (select received_ms from events order by seq desc limit 1) where seq = new.seq;
    end;`,
  ],
};

export interface WitnessParts {
  store: SiteStore;
  findings: Findings;
  evidence: EvidenceLog;
  warn: (message: string) => void;
  /** Instead of SEAL_INTERVAL_MS and WITNESS_RETRY_MS. */
  seal_interval_ms?: number;
  retry_ms?: number;
}

export interface Witness {
  /** Puts on record what is not yet. Never rejects; what failed is tried again. */
  tell(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Puts on record which findings were opened and closed, and seals the events behind them by digests of whole ranges. It reads what the store
 * says, and marks how far it came behind each record: what a crash comes between is put on record twice rather than never.
 */
export function createWitness(parts: WitnessParts): Witness {
  const { findings, warn } = parts;
  const { seal_interval_ms = SEAL_INTERVAL_MS, retry_ms = WITNESS_RETRY_MS } = parts;
  const budget = createRateLimit(
    {
      ...{ burst: CHANGES_BURST, refill_per_s: CHANGES_PER_HOUR / 3600 },
      remembered_max: CHANGES_SUBJECTS_MAX,
    },
    () => performance.now(),
  );
  let running: Promise<void> | null = null;
  let again = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  let sealing: Promise<void> = Promise.resolve();
  /** One after the other, so that no range is sealed twice. */
  const seal = (until_seq = Number.POSITIVE_INFINITY): Promise<void> => {
    // Whoever asked for the one before was told why it failed.
    sealing = sealing.catch(() => undefined).then(() => sealEvents(parts, until_seq));
    return sealing;
  };

  const attempt = async (withSeal: boolean) => {
    try {
      await tellFindings(parts, budget);
      if (withSeal) await seal();
    } catch (error) {
      warn(`what was found could not be put on record, and is tried again: ${describeError(error)}`);
      if (!stopped) retry = setTimeout(() => void tell(), retry_ms);
    }
  };
  const tell = (withSeal = false): Promise<void> => {
    if (stopped) return Promise.resolve();
    if (running !== null) {
      again = true;
      return running;
    }
    clearTimeout(retry);
    running = attempt(withSeal).finally(() => {
      running = null;
      if (again) {
        again = false;
        void tell();
      }
    });
    return running;
  };
  const unlisten = findings.onDetection((_, { transition }) => {
    if (transition === 'opened' || transition === 'closed') void tell();
  });
  // A flood fills the store within less time than lies between two seals.
  const unlistenRemoval = findings.onRemoval((last_seq) => seal(last_seq));
  const sealer = setInterval(() => void tell(true), seal_interval_ms);
  return {
    tell: () => tell(),
    async stop() {
      unlisten();
      clearInterval(sealer);
      clearTimeout(retry);
      await running;
      unlistenRemoval();
      // What came since the last seal is sealed with the end, and with the next start where this fails.
      await attempt(true);
      stopped = true;
      clearTimeout(retry);
    },
  };
}

/** A change of a finding that is not on record. */
interface Change {
  seq: number;
  subject: string;
  finding: string;
  change: 'opened' | 'closed';
  /** When the appliance received what changed it; null: not known, it was before there was a place for it. */
  received_ms: number | null;
}

/** @param budget what each subject may still have on record; the changes of those who have used it up wait */
async function tellFindings({ store, evidence }: WitnessParts, budget: RateLimit): Promise<void> {
  const late = new Set<string>();
  const isInTime = ({ subject }: Change) => {
    if (!late.has(subject) && budget.take(subject) > 0) late.add(subject);
    return !late.has(subject);
  };
  for (;;) {
    const changes = changesOf(store, late);
    if (changes.length === 0) return;
    const told = changes.filter(isInTime);
    if (told.length === 0) continue;
    const entries = told.flatMap((change) => entryOf(store, change));
    try {
      if (entries.length > 0) await evidence.append(entries);
    } catch (error) {
      for (const { subject } of told) budget.giveBack(subject);
      throw error;
    }
    const seqs = JSON.stringify(told.map(({ seq }) => seq));
    await store.write((file) =>
      file.query('delete from finding_changes where seq in (select value from json_each(?))').run(seqs),
    );
  }
}

/** Of all but those who are late; as many as go on record at once. */
function changesOf({ database }: SiteStore, late: ReadonlySet<string>): Change[] {
  return database
    .query<Change, [string, number]>(
      `select seq, subject, finding, change, received_ms from finding_changes
       where subject not in (select value from json_each(?)) order by seq limit ?`,
    )
    .all(JSON.stringify([...late]), ENTRIES_MAX);
}

/** None where the finding was removed meanwhile: those that are closed go when they are too many. */
function entryOf({ database }: SiteStore, { finding: id, change, received_ms }: Change): EvidenceEntry[] {
  const row = database.query<FindingRow, [string]>('select * from findings where id = ?').get(id);
  if (row === null) return [];
  const { subject, hostname, check_type, control, severity, opened_at, expected, actual } = row;
  const { closed_at, closed_by, times_seen } = row;
  const what = { finding: id, subject, hostname, check_type };
  // When it was is what the one who looked says; when it came is what this machine saw. A person closes by no event.
  const received_at = received_ms === null ? null : new Date(received_ms).toISOString();
  if (change === 'closed') {
    const received = { received_at: closed_by === 'operator' ? null : received_at };
    return [{ kind: 'finding.closed', body: { ...what, closed_at, ...received, closed_by, times_seen } }];
  }
  return [
    {
      kind: 'finding.opened',
      body: { ...what, control, severity, opened_at, received_at, expected, actual },
    },
  ];
}

async function sealEvents(parts: WitnessParts, until_seq: number): Promise<void> {
  const { store, findings, evidence } = parts;
  for (;;) {
    const mark = store.database.query<{ sealed_seq: number }, []>('select sealed_seq from witness').get();
    const sealed_seq = mark?.sealed_seq ?? 0;
    const range = sealed_seq < until_seq ? findings.rangeAfter(sealed_seq) : null;
    if (range === null) return;
    await evidence.append([{ kind: 'events.sealed', body: { ...range } }]);
    await store.write((file) => file.query('update witness set sealed_seq = ?').run(range.last_seq));
  }
}
