import type { ReportedChange } from './facts.ts';
import { LAWFUL_WITHIN_MS } from './limits.ts';

/** A firewall that changes together with one of these follows from it. */
const LAWFUL: ReadonlySet<string> = new Set(['configuration_hash', 'image_version', 'root_hash']);

/**
 * The firewall that an appliance should still have, because it changed without its configuration or image.
 *
 * @param reports oldest first
 * @returns the hash that was lawful before; null: what runs now is lawful as far as is known
 */
export function lawfulFirewall(reports: readonly ReportedChange[]): string | null {
  let lawful: string | null = null;
  let reasoned_ms = Number.NEGATIVE_INFINITY;
  let changed_ms = Number.NEGATIVE_INFINITY;
  for (const { at_ms, changes } of reports) {
    const firewall = changes.find(({ field }) => field === 'firewall_hash');
    if (firewall) changed_ms = at_ms;
    if (changes.some(({ field }) => LAWFUL.has(field))) {
      reasoned_ms = at_ms;
      // It may be told a little later than what followed from it.
      if (at_ms - changed_ms <= LAWFUL_WITHIN_MS) lawful = null;
    }
    if (!firewall) continue;
    const { before } = firewall;
    if (typeof before !== 'string' || at_ms - reasoned_ms <= LAWFUL_WITHIN_MS) lawful = null;
    else lawful ??= before;
  }
  return lawful;
}
