import type { EvidenceLog } from '../../evidence/entry.ts';
import type { SiteStore } from '../../site/store/store.ts';
import { HEALING_MODES, type HealingMode } from '../decide/decide.ts';

/** How healing is switched, and by whom. */
export interface SwitchState {
  /** What holds: the more careful one of the two below. */
  mode: HealingMode;
  /** Of the configuration; it is not overruled. */
  configured: HealingMode;
  /** Of the switch. */
  switched: HealingMode;
  reason: string;
  by_whom: string;
  /** RFC 3339; null: it was never switched. */
  at: string | null;
}

export interface HealingSwitch {
  state(): SwitchState;
  /**
   * Durable and on record. Switching to the more careful way holds for this process even when it throws.
   *
   * @throws what store and evidence throw
   */
  set(mode: HealingMode, who: { reason: string; by_whom: string }): Promise<SwitchState>;
}

interface Row {
  mode: string;
  reason: string;
  by_whom: string;
  at: string;
}

export interface SwitchParts {
  store: SiteStore;
  evidence: EvidenceLog;
  configured: HealingMode;
  now: () => Date;
}

/** The global switch. What cannot be read is off. */
export function openSwitch({ store, evidence, configured, now }: SwitchParts): HealingSwitch {
  /** What could not be written down holds at least for this process, where it is the more careful way. */
  let atMost: HealingMode = 'on';
  /** In a store that was begun anew it is not known whether it was switched off. */
  const unswitched: HealingMode = store.begun_anew ? 'off' : 'on';
  const state = (): SwitchState => {
    const row = store.database.query<Row, []>('select mode, reason, by_whom, at from healing_switch').get();
    const { reason = '', by_whom = '', at = null } = row ?? {};
    const switched = row === null ? unswitched : (HEALING_MODES.find((known) => known === row.mode) ?? 'off');
    const mode = moreCareful(atMost, moreCareful(configured, switched));
    return { mode, configured, switched, reason, by_whom, at };
  };
  return {
    state,
    async set(mode, { reason, by_whom }) {
      const write = () =>
        store.write((file) =>
          file
            .query(
              `insert into healing_switch (only_row, mode, reason, by_whom, at) values (1, ?1, ?2, ?3, ?4)
               on conflict (only_row) do update set mode = ?1, reason = ?2, by_whom = ?3, at = ?4`,
            )
            .run(mode, reason, by_whom, now().toISOString()),
        );
      const record = () =>
        evidence.append([{ kind: 'healing.switched', body: { mode, configured, reason, by_whom } }]);
      if (moreCareful(mode, state().switched) === mode) {
        // Nothing may stand in the way of switching off: neither a full disk nor a full log.
        atMost = mode;
        await write();
        await record();
      } else {
        await record();
        await write();
      }
      atMost = 'on';
      return state();
    },
  };
}

function moreCareful(a: HealingMode, b: HealingMode): HealingMode {
  return HEALING_MODES[Math.min(HEALING_MODES.indexOf(a), HEALING_MODES.indexOf(b))] ?? 'off';
}
