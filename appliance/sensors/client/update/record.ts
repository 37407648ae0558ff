import { existsSync, readFileSync, statSync } from 'node:fs';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { Unknowable } from '../../../../base/schema.ts';
import { BAD_VERSIONS_MAX, RECORD_MAX_BYTES, SILENCE_PROOF_MS, TRIAL_ATTEMPTS_MAX } from './limits.ts';

const Named = t.Object({ version: t.String(), sha256: t.String() });
type Named = Static<typeof Named>;

/** What came of newer programs. Survives a restart at any moment: an attempt is written down before it is made. */
const UpdateRecord = t.Object({
  /** Versions that are not tried again. */
  bad: t.Array(t.Composite([Named, t.Object({ why: t.String(), at_ms: t.Integer() })])),
  /** The one that is or was tried, and has no verdict yet. */
  trial: Unknowable(
    t.Composite([
      Named,
      t.Object({
        attempts: t.Integer(),
        /** When it ended without a word; null while it runs, or when nobody knows. */
        silent_ms: Unknowable(t.Integer()),
      }),
    ]),
  ),
});
export type UpdateRecord = Static<typeof UpdateRecord>;

const NO_RECORD: UpdateRecord = { bad: [], trial: null };

/** A file that cannot be read forgets what was bad: worse than that would be a sensor that is never repaired. */
export function readRecord(path: string): UpdateRecord {
  try {
    if (!existsSync(path) || statSync(path).size > RECORD_MAX_BYTES) return NO_RECORD;
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Value.Check(UpdateRecord, value) ? value : NO_RECORD;
  } catch {
    // See above.
    return NO_RECORD;
  }
}

export function writeRecord(path: string, record: UpdateRecord): void {
  writeFileAtomic(path, `${JSON.stringify(record, null, 1)}\n`, 0o600);
}

/** Why an offer is not taken; null: it is. The same bytes under another number are as bad. Pure. */
export function badBefore(record: UpdateRecord, { version, sha256 }: Named): string | null {
  return record.bad.find((bad) => bad.version === version || bad.sha256 === sha256)?.why ?? null;
}

/** One more attempt; the last one too many makes the version bad. Pure. */
export function beginTrial(
  { bad, trial }: UpdateRecord,
  { version, sha256 }: Named,
  now_ms: number,
): UpdateRecord {
  const attempts = trial?.sha256 === sha256 ? trial.attempts + 1 : 1;
  const record: UpdateRecord = { bad, trial: { version, sha256, attempts, silent_ms: null } };
  if (attempts <= TRIAL_ATTEMPTS_MAX) return record;
  return markBad(record, `${TRIAL_ATTEMPTS_MAX} attempts came to no end`, now_ms);
}

/** Nothing was heard of it. Whose fault that is shows when the old program is heard again. Pure. */
export function endSilent(record: UpdateRecord, now_ms: number): UpdateRecord {
  return record.trial === null ? record : { ...record, trial: { ...record.trial, silent_ms: now_ms } };
}

/** The old program was heard: soon after a silent trial that proves that the new one could not be. Pure. */
export function heard(record: UpdateRecord, now_ms: number): UpdateRecord {
  const silent_ms = record.trial?.silent_ms ?? null;
  if (silent_ms === null) return record;
  if (now_ms - silent_ms <= SILENCE_PROOF_MS)
    return markBad(record, 'it started and could not report, while the version before could', now_ms);
  return record.trial === null ? record : { ...record, trial: { ...record.trial, silent_ms: null } };
}

/** The version on trial is not tried again. Pure. */
export function markBad({ bad, trial }: UpdateRecord, why: string, now_ms: number): UpdateRecord {
  if (trial === null) return { bad, trial };
  const { version, sha256 } = trial;
  return { bad: [...bad, { version, sha256, why, at_ms: now_ms }].slice(-BAD_VERSIONS_MAX), trial: null };
}
