import { CONFIG_VERSION } from './schema.ts';

/**
 * What changed from one version of the key names to the next. A file of the version before is read through
 * these names; older files are refused. Nothing was renamed yet: version 1 is the first.
 */
export interface ConfigMigration {
  /** Version of the file this applies to. */
  from: number;
  /** Old dotted key to new dotted key. The meaning and unit of the value stay; a key with another unit gets another name. */
  renamed: Readonly<Record<string, string>>;
}

const CONFIG_MIGRATIONS: readonly ConfigMigration[] = [];

/** How a file of some version is read. */
export type VersionReading =
  | { kind: 'current' }
  | { kind: 'older'; renamed: Readonly<Record<string, string>> }
  /** Written for a later program; this one runs after a rollback and takes what it knows. */
  | { kind: 'newer' }
  | { kind: 'too-old'; oldest: number };

export function readingOf(
  version: number,
  current = CONFIG_VERSION,
  migrations: readonly ConfigMigration[] = CONFIG_MIGRATIONS,
): VersionReading {
  if (version === current) return { kind: 'current' };
  if (version > current) return { kind: 'newer' };
  const step = migrations.find((migration) => migration.from === version);
  if (version === current - 1 && step) return { kind: 'older', renamed: step.renamed };
  return { kind: 'too-old', oldest: Math.max(1, current - 1) };
}
