import { isOpen, type MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { Appliance } from './appliance.ts';
import type { RolloutDefinition } from './definition.ts';
import type { RolloutIntent } from './intent.ts';

/** Everything a plan is made from, beside the plan before it. Read no earlier than that plan was carried out. */
export interface Scene {
  definition: RolloutDefinition;
  intent: RolloutIntent;
  /** The whole fleet by id. */
  fleet: ReadonlyMap<string, Appliance>;
  /** When the fleet was read: Unix time. */
  at_ms: number;
}

/** Asks about windows at one instant; a fleet shares a few windows, and telling the time in a zone is slow. */
export class WindowClock {
  readonly #at: Date;
  readonly #known = new Map<string, boolean>();

  constructor(at_ms: number) {
    this.#at = new Date(at_ms);
  }

  isOpen(window: MaintenanceWindow | null): boolean {
    if (window === null) return true;
    const key = `${window.start} ${window.end} ${window.days.join()} ${window.zone}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const open = this.#ask(window);
    this.#known.set(key, open);
    return open;
  }

  #ask(window: MaintenanceWindow): boolean {
    try {
      return isOpen(window, this.#at);
    } catch {
      // An appliance with a window that can't be read must not stop the rollout for the others: it is never open.
      return false;
    }
  }
}
