import { JOURNAL_MAX_COMMANDS } from './limits.ts';
import type { SensorStore } from './sensor-store.ts';

/** What became of a command, as it is told. */
export interface HealResult {
  command_id: string;
  check_type: string;
  success: boolean;
  error_message: string;
  /** Unix seconds. */
  at_s: number;
  artifacts: Readonly<Record<string, string>>;
}

/**
 * Which commands were begun and what became of them, on the disk. A command that is in it is not carried out again, whatever happened
 * to the process meanwhile; its result waits until the appliance has it.
 */
export class HealJournal {
  readonly #store: SensorStore;

  /** @param now_s Unix seconds: commands that were begun and did not end are given their result here */
  constructor(store: SensorStore, now_s: number) {
    this.#store = store;
    const begun = store.work((file) =>
      file
        .query<{ command_id: string; check_type: string }, []>(
          'SELECT command_id, check_type FROM commands WHERE result IS NULL',
        )
        .all(),
    );
    for (const command of begun)
      this.end({
        ...{ ...command, success: false, at_s: now_s, artifacts: { interrupted: 'true' } },
        error_message: 'the sensor was ended while it carried this out; it is not done a second time',
      });
  }

  /** @returns false when it was begun before: then it must not be carried out */
  begin(command: { command_id: string; check_type: string }, now_s: number): boolean {
    return this.#store.work((file) => {
      const { changes } = file
        .query('INSERT OR IGNORE INTO commands (command_id, begun_s, check_type) VALUES (?, ?, ?)')
        .run(command.command_id, now_s, command.check_type);
      return changes === 1;
    });
  }

  end(result: HealResult): void {
    this.#store.work((file) =>
      file
        .query('UPDATE commands SET result = ?, told = 0 WHERE command_id = ?')
        .run(JSON.stringify(result), result.command_id),
    );
  }

  /** Results that the appliance does not have yet, oldest first. */
  untold(): HealResult[] {
    const rows = this.#store.work((file) =>
      file
        .query<{ result: string }, []>(
          'SELECT result FROM commands WHERE told = 0 AND result IS NOT NULL ORDER BY rowid',
        )
        .all(),
    );
    return rows.map(({ result }) => JSON.parse(result) as HealResult);
  }

  /** The appliance has it. The oldest of those are forgotten when there are too many. */
  told(command_id: string): void {
    this.#store.work((file) => {
      file.query('UPDATE commands SET told = 1 WHERE command_id = ?').run(command_id);
      file
        .query(
          `DELETE FROM commands WHERE told = 1 AND rowid <= (
             SELECT rowid FROM commands WHERE told = 1 ORDER BY rowid DESC LIMIT 1 OFFSET ?)`,
        )
        .run(JOURNAL_MAX_COMMANDS);
    });
  }

  /** The appliance hands a command out again: it has not got the result. */
  tellAgain(command_id: string): void {
    this.#store.work((file) =>
      file.query('UPDATE commands SET told = 0 WHERE command_id = ?').run(command_id),
    );
  }
}
