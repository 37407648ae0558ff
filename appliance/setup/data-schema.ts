import { readFileSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { STATE_FILE_MAX_BYTES } from './limits.ts';

/** The shape of what lies on the data partition that this program writes. */
const DATA_SCHEMA_VERSION = 1;

/**
 * One step forward. It has to be repeatable (a power cut may come after it and before the number is written) and additive:
 * after a rollback the old slot runs on the migrated data.
 */
export interface DataMigration {
  to: number;
  /** @param data the data partition's mount point */
  migrate(data: string): void;
}

/** Version 1 is the first, so there is nothing to migrate from. */
const DATA_MIGRATIONS: readonly DataMigration[] = [];

export interface SchemaOutcome {
  version: number;
  /** new: nothing was there; newer: a later program wrote it, which is no error after a rollback. */
  how: 'new' | 'current' | 'migrated' | 'newer';
}

/**
 * Brings the data partition to this program's schema. Only forward, each step recorded durably after it was done.
 *
 * @throws BulkheadError SETUP_SCHEMA_DAMAGED when the file holds no number (nothing is changed), and what a migration throws
 */
export function migrateData(
  data: string,
  schemaFile: string,
  current = DATA_SCHEMA_VERSION,
  migrations: readonly DataMigration[] = DATA_MIGRATIONS,
): SchemaOutcome {
  const found = readSchemaVersion(schemaFile);
  if (found === null) {
    writeFileAtomic(schemaFile, `${current}\n`, 0o644);
    return { version: current, how: 'new' };
  }
  if (found > current) return { version: found, how: 'newer' };
  if (found === current) return { version: current, how: 'current' };
  for (const migration of [...migrations].sort((a, b) => a.to - b.to)) {
    if (migration.to <= found || migration.to > current) continue;
    migration.migrate(data);
    writeFileAtomic(schemaFile, `${migration.to}\n`, 0o644);
  }
  writeFileAtomic(schemaFile, `${current}\n`, 0o644);
  return { version: current, how: 'migrated' };
}

/**
 * The number in the file; null when there is none yet.
 *
 * @throws BulkheadError SETUP_SCHEMA_DAMAGED
 */
function readSchemaVersion(schemaFile: string): number | null {
  const stat = statSync(schemaFile, { throwIfNoEntry: false });
  if (!stat) return null;
  const text = stat.size <= STATE_FILE_MAX_BYTES ? readFileSync(schemaFile, 'latin1') : '';
  if (/^[1-9]\d{0,5}\n$/.test(text)) return Number(text);
  throw new BulkheadError('SETUP_SCHEMA_DAMAGED', `${schemaFile} does not hold a number and a line break`, {
    hint: `write the number of the data schema into it; this program's is ${DATA_SCHEMA_VERSION}`,
  });
}
