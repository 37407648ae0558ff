import type { Database } from 'bun:sqlite';
import type { StorePart } from '../../site/store/migrations.ts';
import type { CodeRow, WaitingRow } from './decide.ts';
import { CODE_AGE_MS, WAITING_AGE_MS } from './limits.ts';

export const ADMISSION_PART: StorePart = {
  name: 'sensor_admission',
  steps: [
    `
    create table admission_codes (
      hash text primary key,
      tier text not null,
      made_by text not null,
      made_ms integer not null,
      used_ms integer,
      sensor text,
      claim text
    ) strict, without rowid;
    create table admission_waiting (
      claim text primary key,
      way text not null,
      address text not null,
      hostname text not null,
      os_version text not null,
      agent_version text not null,
      first_ms integer not null,
      verdict text not null,
      verdict_ms integer,
      verdict_by text,
      tier text,
      sensor text
    ) strict, without rowid;`,
    'alter table admission_codes add column address text',
  ],
};

export function findCode(database: Database, hash: string): CodeRow | null {
  return database.query<CodeRow, [string]>('select * from admission_codes where hash = ?').get(hash);
}

export function findWaiting(database: Database, claim: string): WaitingRow | null {
  return database.query<WaitingRow, [string]>('select * from admission_waiting where claim = ?').get(claim);
}

export function listWaiting(database: Database): WaitingRow[] {
  return database.query<WaitingRow, []>('select * from admission_waiting order by first_ms, claim').all();
}

export function countOpenCodes(database: Database): number {
  const counted = database
    .query<{ count: number }, []>('select count(*) as count from admission_codes where used_ms is null')
    .get();
  return counted?.count ?? 0;
}

export function insertCode(
  database: Database,
  row: Pick<CodeRow, 'hash' | 'tier' | 'made_by' | 'made_ms'>,
): void {
  database
    .query('insert into admission_codes (hash, tier, made_by, made_ms) values (?, ?, ?, ?)')
    .run(row.hash, row.tier, row.made_by, row.made_ms);
}

/** @returns false: somebody else was faster */
export function useCode(
  database: Database,
  hash: string,
  use: { ms: number; sensor: string; claim: string | null; address: string },
): boolean {
  const { changes } = database
    .query(
      'update admission_codes set used_ms = ?, sensor = ?, claim = ?, address = ? where hash = ? and used_ms is null',
    )
    .run(use.ms, use.sensor, use.claim, use.address, hash);
  return changes === 1;
}

export function insertWaiting(database: Database, row: WaitingRow): void {
  const names = Object.keys(row) as (keyof WaitingRow)[];
  database
    .query(`insert into admission_waiting (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`)
    .run(...names.map((name) => row[name]));
}

/** @param from what it has to be still @returns false: it is not */
export function judgeWaiting(
  database: Database,
  claim: string,
  from: readonly WaitingRow['verdict'][],
  to: Pick<WaitingRow, 'verdict' | 'verdict_ms' | 'verdict_by' | 'tier' | 'sensor'> & { address?: string },
): boolean {
  const { changes } = database
    .query(
      `update admission_waiting set verdict = ?, verdict_ms = ?, verdict_by = ?, tier = ?, sensor = ?, address = coalesce(?, address)
       where claim = ? and verdict in (${from.map((verdict) => `'${verdict}'`).join(', ')})`,
    )
    .run(to.verdict, to.verdict_ms, to.verdict_by, to.tier, to.sensor, to.address ?? null, claim);
  return changes === 1;
}

/** Forgets what is over. @param asked_ms when those who wait last asked, where that is known */
export function forgetOld(
  database: Database,
  now_ms: number,
  asked_ms: (claim: string) => number | undefined,
): void {
  database
    .query('delete from admission_codes where max(made_ms, coalesce(used_ms, 0)) < ?')
    .run(now_ms - CODE_AGE_MS);
  const forget = database.query('delete from admission_waiting where claim = ?');
  for (const { claim, first_ms, verdict_ms } of listWaiting(database))
    if (now_ms - Math.max(first_ms, verdict_ms ?? 0, asked_ms(claim) ?? 0) >= WAITING_AGE_MS)
      forget.run(claim);
}
