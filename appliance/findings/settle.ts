import type { Database } from 'bun:sqlite';
import type { Finding } from './fold.ts';
import { type FindingRow, toFinding } from './tables.ts';

/**
 * Inside a transaction of the caller's. An operator's word closes an open finding, until the next detection opens another; a healing's
 * closes nothing: only a detection does, and the healing is named as its reason.
 *
 * @throws SQLiteError
 */
export function settleFinding(
  file: Database,
  id: string,
  by: 'healing' | 'operator',
  now: string,
): Finding | null {
  const changed = file
    .query(by === 'operator' ? CLOSE : CREDIT)
    .run(...(by === 'operator' ? [now, id] : [id])).changes;
  if (changed === 0) return null;
  const row = file.query<FindingRow, [string]>('select * from findings where id = ?').get(id);
  if (row === null) return null;
  // The next detection begins another, and does not write on in this one.
  file
    .query('update checks set finding_id = null where subject = ? and check_type = ? and finding_id = ?')
    .run(row.subject, row.check_type, id);
  return toFinding(row);
}

const CLOSE = `update findings set state = 'closed', closed_at = ?, closed_by = 'operator' where id = ? and state = 'open'`;
const CREDIT = `update findings set closed_by = 'healing' where id = ? and state = 'closed' and closed_by = 'detection'`;
