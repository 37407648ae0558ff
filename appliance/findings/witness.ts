import { describeError } from '../../base/errors.ts';
import type { EvidenceEntry, EvidenceLog } from '../evidence/entry.ts';
import type { StorePart } from '../site/store/migrations.ts';
import type { SiteStore } from '../site/store/store.ts';
import type { Findings } from './findings.ts';
import { SEAL_INTERVAL_MS, WITNESS_BATCH, WITNESS_RETRY_MS } from './limits.ts';
import type { FindingRow } from './tables.ts';

/** How far evidence has come with what was found. */
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
  const told = new Map<string, string>();
  let running: Promise<void> | null = null;
  let again = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const attempt = async (sealing: boolean) => {
    try {
      await tellFindings(parts, told);
      if (sealing) await sealEvents(parts);
    } catch (error) {
      warn(`what was found could not be put on record, and is tried again: ${describeError(error)}`);
      if (!stopped) retry = setTimeout(() => void tell(), retry_ms);
    }
  };
  const tell = (sealing = false): Promise<void> => {
    if (stopped) return Promise.resolve();
    if (running !== null) {
      again = true;
      return running;
    }
    clearTimeout(retry);
    running = attempt(sealing).finally(() => {
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
  const sealer = setInterval(() => void tell(true), seal_interval_ms);
  return {
    tell: () => tell(),
    async stop() {
      unlisten();
      clearInterval(sealer);
      clearTimeout(retry);
      await running;
      // What came since the last seal is sealed with the end, and with the next start where this fails.
      await attempt(true);
      stopped = true;
      clearTimeout(retry);
    },
  };
}

interface Mark {
  /** When the last change was made that is on record; changes of that moment may be told again. */
  told_until: string;
  sealed_seq: number;
}

function readMark({ store }: WitnessParts): Mark {
  const mark = store.database.query<Mark, []>('select told_until, sealed_seq from witness').get();
  return mark ?? { told_until: '', sealed_seq: 0 };
}

/** A change of a finding, in the order of time. */
interface Change {
  at: string;
  key: string;
  entry: EvidenceEntry;
}

/** @param told changes of the last moment that are on record: the mark alone would tell them again */
async function tellFindings(parts: WitnessParts, told: Map<string, string>): Promise<void> {
  const { store, evidence } = parts;
  const changes = changesSince(parts).filter(({ key }) => !told.has(key));
  for (let at = 0; at < changes.length; at += WITNESS_BATCH) {
    const batch = changes.slice(at, at + WITNESS_BATCH);
    await evidence.append(batch.map(({ entry }) => entry));
    const until = batch.at(-1)?.at ?? '';
    for (const change of batch) told.set(change.key, change.at);
    for (const [key, told_at] of told) if (told_at < until) told.delete(key);
    await store.write((file) => file.query('update witness set told_until = ?').run(until));
  }
}

function changesSince(parts: WitnessParts): Change[] {
  const { told_until } = readMark(parts);
  return parts.store.database
    .query<FindingRow, [string]>('select * from findings where opened_at >= ?1 or closed_at >= ?1')
    .all(told_until)
    .flatMap((finding) => [openedOf(finding), ...closedOf(finding)])
    .filter(({ at }) => at >= told_until)
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function openedOf(finding: FindingRow): Change {
  const { id, subject, hostname, check_type, control, severity, opened_at, expected, actual } = finding;
  const body = { finding: id, subject, hostname, check_type, control, severity, opened_at, expected, actual };
  return { at: opened_at, key: `${id} opened`, entry: { kind: 'finding.opened', body } };
}

function closedOf(finding: FindingRow): Change[] {
  const { id, subject, hostname, check_type, closed_at, closed_by, times_seen } = finding;
  if (closed_at === null) return [];
  const body = { finding: id, subject, hostname, check_type, closed_at, closed_by, times_seen };
  return [{ at: closed_at, key: `${id} closed`, entry: { kind: 'finding.closed', body } }];
}

async function sealEvents(parts: WitnessParts): Promise<void> {
  const { store, findings, evidence } = parts;
  for (;;) {
    const range = findings.rangeAfter(readMark(parts).sealed_seq);
    if (range === null) return;
    await evidence.append([{ kind: 'events.sealed', body: { ...range } }]);
    await store.write((file) => file.query('update witness set sealed_seq = ?').run(range.last_seq));
  }
}
