import type { Database, SQLQueryBindings } from 'bun:sqlite';
import { BulkheadError } from '../../../base/errors.ts';
import type { Detection } from '../../findings/detection.ts';
import type { SiteStore } from '../../site/store/store.ts';
import type { PastHealing } from '../decide/decide.ts';
import { ACTED_STATES, type HealingEvent, type HealingState, nextState } from '../decide/states.ts';
import { FLAP_ACTS_MAX, HISTORY_LIMIT, HISTORY_LIMIT_MAX, JOURNAL_MAX } from '../limits.ts';
import { type Healing, type HealingRow, toHealing } from './healing-record.ts';

export interface HealingQuery {
  subject?: string;
  check_type?: string;
  /** 1 to HISTORY_LIMIT_MAX; default HISTORY_LIMIT. */
  limit?: number;
  /** The `seq` of the last one of the page before. */
  before?: number;
}

/** What a healing is begun with. */
export type NewHealing = Pick<
  Healing,
  | 'id'
  | 'rule_id'
  | 'action'
  | 'params'
  | 'settle_s'
  | 'quiet_s'
  | 'attempt'
  | 'last'
  | 'asked_by'
  | 'dry_run'
  | 'finding_id'
  | 'detected_s'
> & { seen: Detection };

/** What is known when a healing goes on to its next state. */
export interface Step {
  acting_s?: number;
  acted_s?: number;
  claimed?: boolean;
  output?: string;
  seen_again?: Detection;
  ended_s?: number;
  reason?: string;
}

const ACTED = ACTED_STATES.map((state) => `'${state}'`).join(', ');
const RESTING = "'detected', 'acting', 'verifying'";

/**
 * Every healing, from the moment on when it was decided: each step is on the disk before the next is taken, and only takes place from the state
 * that it belongs to. What was under way when the process died is found here.
 */
export class HealingJournal {
  readonly #store: SiteStore;
  readonly #database: Database;

  constructor(store: SiteStore) {
    this.#store = store;
    this.#database = store.database;
  }

  async add(healing: NewHealing): Promise<Healing> {
    const { id, rule_id, action, params, settle_s, quiet_s, attempt, last, asked_by, dry_run, seen } =
      healing;
    const { finding_id, detected_s } = healing;
    const text = JSON.stringify(seen);
    await this.#store.write((file) => {
      file
        .query(
          `insert into healings (id, subject, hostname, check_type, rule_id, settle_s, quiet_s, action, params, attempt, last, asked_by, state,
             dry_run, seen, finding_id, detected_s)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'detected', ?, ?, ?, ?)`,
        )
        .run(
          ...[id, seen.subject, seen.hostname, seen.check_type, rule_id, settle_s, quiet_s, action],
          ...[JSON.stringify(params), attempt, Number(last), asked_by, Number(dry_run), text, finding_id],
          detected_s,
        );
      file
        .query(
          `delete from healings where (told = 1 or dry_run = 1) and seq <= (select max(seq) from healings) - ?`,
        )
        .run(JOURNAL_MAX);
    }, text.length);
    return this.#get(id);
  }

  /**
   * The next state, written down.
   *
   * @throws BulkheadError HEALING_STATE; what the store throws
   */
  async move({ id, state }: Healing, event: HealingEvent, step: Step): Promise<Healing> {
    const next = nextState(state, event);
    const {
      acting_s = null,
      acted_s = null,
      claimed,
      output = null,
      seen_again,
      ended_s = null,
      reason = null,
    } = step;
    const again = seen_again === undefined ? null : JSON.stringify(seen_again);
    const changed = await this.#store.write(
      (file) =>
        file
          .query(
            `update healings set state = ?, acting_s = coalesce(?, acting_s), acted_s = coalesce(?, acted_s),
               claimed = coalesce(?, claimed), output = coalesce(?, output), seen_again = coalesce(?, seen_again),
               ended_s = coalesce(?, ended_s), reason = coalesce(?, reason)
             where id = ? and state = ?`,
          )
          .run(
            ...[next, acting_s, acted_s, claimed === undefined ? null : Number(claimed), output, again],
            ...[ended_s, reason, id, state],
          ).changes,
      (again?.length ?? 0) + (output?.length ?? 0),
    );
    if (changed === 0) throw new BulkheadError('HEALING_STATE', `healing ${id} is not ${state} any more`);
    return this.#get(id);
  }

  /** Its end is in the evidence. */
  async tell(id: string): Promise<void> {
    await this.#store.write((file) => file.query('update healings set told = 1 where id = ?').run(id));
  }

  find(id: string): Healing | null {
    const row = this.#database.query<HealingRow, [string]>('select * from healings where id = ?').get(id);
    return row && toHealing(row);
  }

  /** What has begun and not ended: oldest first. */
  unfinished(): Healing[] {
    return this.#all(`where state in (${RESTING}) order by seq`);
  }

  /** What has ended and is not in the evidence. */
  untold(): Healing[] {
    return this.#all(
      `where told = 0 and dry_run = 0 and state not in (${RESTING}) order by seq limit ${HISTORY_LIMIT_MAX}`,
    );
  }

  /** Latest first. */
  latest({ subject, check_type, limit = HISTORY_LIMIT, before }: HealingQuery): Healing[] {
    const asked = { 'subject = ?': subject, 'check_type = ?': check_type, 'seq < ?': before };
    const chosen = Object.entries(asked).flatMap(([text, value]) =>
      value === undefined ? [] : [{ text, value }],
    );
    const where = chosen.length === 0 ? '' : `where ${chosen.map(({ text }) => text).join(' and ')}`;
    const count = Math.min(Math.max(1, Math.trunc(limit)), HISTORY_LIMIT_MAX);
    return this.#all(`${where} order by seq desc limit ${count}`, ...chosen.map(({ value }) => value));
  }

  /** All that decides about the next one at a check: as many of those that acted as the limit counts, and the latest of the others. */
  history(subject: string, check_type: string): PastHealing[] {
    const own = 'where subject = ?1 and check_type = ?2';
    const found = [
      ...this.#all(
        `${own} and state in (${ACTED}) order by seq desc limit ${FLAP_ACTS_MAX + 1}`,
        subject,
        check_type,
      ),
      ...this.#all(
        `${own} and state = 'refused' and dry_run = 0 order by seq desc limit 1`,
        subject,
        check_type,
      ),
      ...this.#all(`${own} and dry_run = 1 order by seq desc limit 1`, subject, check_type),
      ...this.#all(`${own} and state = 'detected' order by seq desc limit 1`, subject, check_type),
    ];
    const unique = [...new Map(found.map((healing) => [healing.seq, healing])).values()];
    return unique
      .sort((a, b) => b.seq - a.seq)
      .map(({ rule_id, state, dry_run, acting_s, detected_s, ended_s }) => ({
        ...{ rule_id, state, dry_run, at_s: acting_s ?? detected_s, ended_s },
      }));
  }

  counts(): Record<HealingState, number> {
    const rows = this.#database
      .query<{ state: HealingState; count: number }, []>(
        'select state, count(*) as count from healings where dry_run = 0 group by state',
      )
      .all();
    const counts = { detected: 0, acting: 0, verifying: 0, healed: 0, not_healed: 0, gave_up: 0, refused: 0 };
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  #get(id: string): Healing {
    const healing = this.find(id);
    if (!healing) throw new BulkheadError('HEALING_UNKNOWN', `there is no healing ${id}`);
    return healing;
  }

  #all(rest: string, ...values: SQLQueryBindings[]): Healing[] {
    return this.#database
      .query<HealingRow, SQLQueryBindings[]>(`select * from healings ${rest}`)
      .all(...values)
      .map(toHealing);
  }
}
