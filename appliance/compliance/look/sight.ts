import type { MachineFacts } from '../../../health-gate/machine-facts.ts';
import type { Verdict } from '../../../health-gate/verdict-schema.ts';
import type { FirewallFacts } from '../../firewall/facts.ts';
import type { Account } from './accounts.ts';
import type { Listener } from './listeners.ts';
import type { RootSight } from './root-sight.ts';
import type { Units } from './units.ts';

/** How the evidence log is, by its own word. */
export interface EvidenceState {
  /** The chain was checked and takes records; null: it does not know yet. */
  whole: boolean | null;
  /** One sentence. */
  message: string;
  /** RFC 3339; null: never. */
  countersigned_at: string | null;
}

/**
 * Everything that the measures look at, seen once: plain data, so that each measure is a function of it. What could not be seen is
 * null, and the measure says so.
 */
export interface Sight {
  at_ms: number;
  root: RootSight | null;
  /** As this process may read them. */
  sysctls: Readonly<Record<string, string>>;
  firewall: FirewallFacts | null;
  machine: MachineFacts | null;
  bootId: string | null;
  verdict: Verdict | null;
  /** RFC 3339. */
  imageBuiltAt: string | null;
  /** What the set-up of this boot complained about; null: it left no report. */
  setupProblems: readonly string[] | null;
  /** null: systemd cannot be asked. */
  units: Units | null;
  criticalUnits: readonly string[] | null;
  listeners: readonly Listener[] | null;
  accounts: readonly Account[] | null;
  clock: {
    /** When a time server last answered, by the local clock, in milliseconds; null: never in this boot. */
    synchronised_ms: number | null;
    /** Server's clock minus ours; null: not known. */
    offset_ms: number | null;
  };
  /** `ramoops` or `efi_pstore`; null: none. */
  crashRecord: string | null;
  secureBoot: boolean | null;
  processor: { flags: readonly string[]; vulnerabilities: Readonly<Record<string, string>> } | null;
  /** Names of wireless interfaces that are up; null: the interfaces cannot be listed. */
  wirelessUp: readonly string[] | null;
  /** The label of the security module on this process; null: there is no such module. */
  securityLabel: string | null;
  dataDisk: { total_bytes: number; used_bytes: number } | null;
  evidence: EvidenceState | null;
}
