import type { Database } from 'bun:sqlite';
import { CONTROL_STATES, type ControlState } from '../../status-page/compliance/report.ts';
import type { SiteStore } from '../site/store/store.ts';

/** Since when a control has been in its state. */
export interface Standing {
  state: ControlState;
  since_ms: number;
}

/** The standings that are on record, by the id of the control. */
export function readStandings(database: Database): Map<string, Standing> {
  const rows = database
    .query<{ control: string; state: string; since_ms: number }, []>('select * from compliance_states')
    .all();
  return new Map(
    rows.flatMap(({ control, state, since_ms }) => {
      const known = CONTROL_STATES.find((name) => name === state);
      return known === undefined ? [] : [[control, { state: known, since_ms }] as const];
    }),
  );
}

/** Pure: what has changed at a moment. */
export function changedStandings(
  before: ReadonlyMap<string, Standing>,
  states: Iterable<readonly [control: string, state: ControlState]>,
  at_ms: number,
): Map<string, Standing> {
  const changed = new Map<string, Standing>();
  for (const [control, state] of states)
    if (before.get(control)?.state !== state) changed.set(control, { state, since_ms: at_ms });
  return changed;
}

/** @throws BulkheadError SITE_STORE_FULL, SITE_STORE_FAILED, SITE_BUSY, SITE_STORE_STOPPED */
export function writeStandings(store: SiteStore, changed: ReadonlyMap<string, Standing>): Promise<void> {
  return store.write((file) => {
    const put = file.query(
      `insert into compliance_states (control, state, since_ms) values (?1, ?2, ?3)
       on conflict (control) do update set state = ?2, since_ms = ?3`,
    );
    for (const [control, { state, since_ms }] of changed) put.run(control, state, Math.round(since_ms));
  }, 64 * changed.size);
}
