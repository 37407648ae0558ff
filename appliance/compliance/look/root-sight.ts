import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../../base/atomic-file.ts';
import { COMPLIANCE_FACTS_FILE } from '../../../base/paths.ts';
import { Unknowable } from '../../../base/schema.ts';
import { readJson } from '../../facts/fact-files.ts';

/**
 * What only root can see of the things that controls are about, for the service of the site, which is nobody. It says how things are and
 * never a secret: of passwords whose account has one, of keys their mode. One file, replaced as a whole.
 */
export const RootSight = t.Object({
  at: t.String({ description: 'RFC 3339' }),
  sysctls: t.Record(t.String(), t.String(), { description: 'kernel settings that only root may read' }),
  ssh: t.Object({
    on: t.Boolean({ description: 'somebody may log in: a key is configured' }),
    settings: Unknowable(
      t.Record(t.String(), t.String(), { description: 'of `sshd -T`, keys in lower case' }),
    ),
  }),
  mounts: Unknowable(
    t.Array(
      t.Object({
        path: t.String(),
        source: t.String(),
        type: t.String(),
        options: t.Array(t.String(), { description: 'of the mount and of the file system' }),
      }),
      { description: 'as the first process sees them' },
    ),
  ),
  files: t.Record(
    t.String(),
    t.Union([
      t.Object({ mode: t.Integer({ minimum: 0, maximum: 0o7777 }), owner: t.String() }),
      t.Literal('missing'),
      t.Null(),
    ]),
    { description: 'null: could not be looked at' },
  ),
  passwords: Unknowable(
    t.Object({ set: t.Array(t.String()), empty: t.Array(t.String()) }, { description: 'names of accounts' }),
  ),
  encryptedData: Unknowable(t.Boolean({ description: 'the data partition lies on dm-crypt' })),
  justifications: t.Array(
    t.Object({ control: t.String(), reason: t.String(), until: t.String({ description: 'YYYY-MM-DD' }) }),
    { description: 'of the configuration in force, which only root and the agent may read' },
  ),
});
export type RootSight = Static<typeof RootSight>;

/** What root saw last; null when it has not looked in this boot, or what is there is not such a file. */
export function readRootSight(path = COMPLIANCE_FACTS_FILE): RootSight | null {
  const parsed = readJson(path);
  return Value.Check(RootSight, parsed) ? parsed : null;
}

/** Replaces the file at once, readable to everybody. */
export function writeRootSight(sight: RootSight, path = COMPLIANCE_FACTS_FILE): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomic(path, `${JSON.stringify(sight)}\n`, 0o644);
  chmodSync(path, 0o644);
}
