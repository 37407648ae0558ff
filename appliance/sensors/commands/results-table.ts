import type { Database } from 'bun:sqlite';
import type { StorePart } from '../../site/store/migrations.ts';
import type { CommandResult } from './commands.ts';
import { RESULTS_MAX, RESULTS_SLACK } from './limits.ts';

export const COMMANDS_PART: StorePart = {
  name: 'sensor_commands',
  steps: [
    `
    create table sensor_results (
      seq integer primary key autoincrement,
      event_id text not null unique,
      command_id text not null,
      sensor text not null,
      check_type text not null,
      success integer not null,
      error_message text not null,
      at_s integer not null,
      artifacts text not null,
      received_ms integer not null
    ) strict;`,
  ],
};

/** The id of a result: SHA-256 over all it says, as that of a detection. */
export function resultId(result: CommandResult): string {
  const { command_id, sensor, check_type, success, error_message, at_s, artifacts } = result;
  const sorted = Object.entries(artifacts).sort(([a], [b]) => (a < b ? -1 : 1));
  // A list in JSON has one reading only: no text can look like the border between two.
  const text = JSON.stringify([command_id, sensor, check_type, success, error_message, at_s, sorted]);
  return `e-${new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 32)}`;
}

/** @returns whether it is the first of its kind */
export function insertResult(
  database: Database,
  event_id: string,
  result: CommandResult,
  received_ms: number,
): boolean {
  const { changes } = database
    .query(
      `insert into sensor_results
         (event_id, command_id, sensor, check_type, success, error_message, at_s, artifacts, received_ms)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (event_id) do nothing`,
    )
    .run(
      ...[event_id, result.command_id, result.sensor, result.check_type, result.success ? 1 : 0],
      ...[result.error_message, result.at_s, JSON.stringify(result.artifacts), received_ms],
    );
  if (changes === 0) return false;
  const { seq = 0 } =
    database.query<{ seq: number }, []>('select max(seq) as seq from sensor_results').get() ?? {};
  if (seq % RESULTS_SLACK === 0)
    database.query('delete from sensor_results where seq <= ?').run(seq - RESULTS_MAX);
  return true;
}
