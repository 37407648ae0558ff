import type { Database } from 'bun:sqlite';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import type { Rule } from '../../../protocol/healing/rule.ts';
import { type RuleSet, readRuleSet } from '../../../protocol/healing/rule-set.ts';
import type { EvidenceLog } from '../../evidence/entry.ts';
import type { SiteStore } from '../../site/store/store.ts';
import { BUILT_IN_RULES } from './built-in.ts';

/** A rule and where it comes from. */
export interface KnownRule {
  rule: Rule;
  from: 'built_in' | 'coordinator';
  /** Switched off by the set of the coordinator. */
  switched_off: boolean;
}

export interface RulesState {
  /** Of the set of the coordinator; null: there is none. */
  version: number | null;
  /** RFC 3339. */
  taken_at: string | null;
  note: string;
}

/** A key by which the coordinator signs orders, as the agent knows it. */
export interface OrderKey {
  key_id: string;
  /** 32 bytes in hexadecimal digits. */
  public_key: string;
}

export interface RuleKeeper {
  /** What the engine goes by. */
  effective(): readonly Rule[];
  all(): KnownRule[];
  state(): RulesState;
  /**
   * Takes a set as a whole, durably and on record, or not at all.
   *
   * @returns false: it is the one that is in force already
   * @throws BulkheadError DSSE_*, HEALING_RULES_UNTRUSTED, HEALING_RULES_INVALID, HEALING_RULES_OLD, and what store and evidence throw
   */
  take(envelope: unknown, keys: readonly OrderKey[]): Promise<boolean>;
}

interface Kept {
  set: RuleSet;
  key_id: string;
  taken_at: string;
}

export interface KeepParts {
  store: SiteStore;
  evidence: EvidenceLog;
  now: () => Date;
  warn: (message: string) => void;
}

/** The rules of this appliance: those of the program and those of the coordinator, which stand in the store as they were signed. */
export function keepRules({ store, evidence, now, warn }: KeepParts): RuleKeeper {
  let kept = readKept(store.database, warn);
  let known = knownRules(kept);
  return {
    effective: () => known.filter(({ switched_off }) => !switched_off).map(({ rule }) => rule),
    all: () => known,
    state: () => ({
      version: kept?.set.version ?? null,
      taken_at: kept?.taken_at ?? null,
      note: kept?.set.note ?? '',
    }),
    async take(envelope, keys) {
      const { set, key_id } = readRuleSet(envelope, keyMap(keys));
      // Another key is another coordinator, which counts from its own beginning.
      if (kept !== null && kept.key_id === key_id) {
        if (JSON.stringify(set) === JSON.stringify(kept.set)) return false;
        if (set.version <= kept.set.version) throw old(set.version, kept.set.version);
      }
      const before = kept?.set.version ?? null;
      const { version, note, rules, switched_off } = set;
      const entry = { version, before, key_id, note, rules: rules.map(({ id }) => id), switched_off };
      await evidence.append([{ kind: 'rules.changed', body: entry }]);
      const taken_at = now().toISOString();
      const public_key = keys.find((key) => key.key_id === key_id)?.public_key ?? '';
      await store.write((file) =>
        file
          .query(
            `insert into healing_rules (only_row, envelope, public_key, taken_at) values (1, ?1, ?2, ?3)
             on conflict (only_row) do update set envelope = ?1, public_key = ?2, taken_at = ?3`,
          )
          .run(JSON.stringify(envelope), public_key, taken_at),
      );
      kept = { set, key_id, taken_at };
      known = knownRules(kept);
      return true;
    },
  };
}

/** Verified again: what stands on a disk for months may not be what was written. */
function readKept(database: Database, warn: (message: string) => void): Kept | null {
  const row = database
    .query<{ envelope: string; public_key: string; taken_at: string }, []>('select * from healing_rules')
    .get();
  if (row === null) return null;
  try {
    const bytes = Uint8Array.from(Buffer.from(row.public_key, 'hex'));
    const envelope = JSON.parse(row.envelope) as { signatures?: { keyid?: string }[] };
    const keys = new Map((envelope.signatures ?? []).map(({ keyid }) => [keyid ?? '', bytes]));
    return { ...readRuleSet(envelope, keys), taken_at: row.taken_at };
  } catch (error) {
    warn(
      `the rules of the coordinator are damaged and not used until they come again: ${describeError(error)}`,
    );
    return null;
  }
}

function knownRules(kept: Kept | null): KnownRule[] {
  const off = new Set(kept?.set.switched_off ?? []);
  return [
    ...BUILT_IN_RULES.map((rule) => ({ rule, from: 'built_in' as const, switched_off: off.has(rule.id) })),
    ...(kept?.set.rules ?? []).map((rule) => ({ rule, from: 'coordinator' as const, switched_off: false })),
  ];
}

function keyMap(keys: readonly OrderKey[]): Map<string, Uint8Array> {
  return new Map(
    keys.map(({ key_id, public_key }) => [key_id, Uint8Array.from(Buffer.from(public_key, 'hex'))]),
  );
}

function old(version: number, running: number): BulkheadError {
  return new BulkheadError(
    'HEALING_RULES_OLD',
    `rules of version ${version} come behind version ${running}, which is in force`,
    {
      hint: 'publish them again: bulkhead-coordinator rules publish FILE',
    },
  );
}
