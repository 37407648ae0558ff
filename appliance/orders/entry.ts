import type { OrderType } from '../../protocol/orders/order-types.ts';

/**
 * States of an order on the appliance:
 *
 *   (new) ──▶ accepted ──▶ started ──▶ succeeded
 *     │           └───────────┴──────▶ failed
 *     └──▶ refused
 */
export const ENTRY_STATES = ['accepted', 'started', 'succeeded', 'failed', 'refused'] as const;
export type EntryState = (typeof ENTRY_STATES)[number];

/** One execution of an order. */
export interface OrderKey {
  id: string;
  attempt: number;
}

/** Where the machine stood when an order was started. */
export interface StartMark {
  /** By the clock of the machine. */
  at_ms: number;
  /** The kernel's id of the boot. */
  boot_id: string;
  /** Of the process of the agent. */
  run_id: string;
  /** The release that ran, null where that was not known. */
  version: string | null;
}

/** An order as it stands in the book. */
export interface BookEntry extends OrderKey {
  type: string;
  parameters: Record<string, unknown>;
  /** From acceptance to the end. */
  timeout_s: number;
  state: EntryState;
  accepted_ms: number;
  start: StartMark | null;
  ended_ms: number | null;
  /** Of what went wrong. */
  code: string | null;
  message: string | null;
  facts: Record<string, unknown> | null;
  /** What of it has been put into the outbox. */
  told: 'nothing' | 'accepted' | 'ended';
}

/** Why an order ended: what was observed, or what went wrong. */
export type Outcome =
  | { state: 'succeeded'; facts: Record<string, unknown> }
  | { state: 'failed'; code: string; message: string; log?: readonly string[] };

/** `ID/ATTEMPT`: how root's records name it. */
export function orderName({ id, attempt }: OrderKey): string {
  return `${id}/${attempt}`;
}

/** Done by root after it was asked, or by the end of this process: their effects are observed, also after a restart. */
const OBSERVED = ['update', 'rollback', 'reboot', 'restart_agent'] as const satisfies OrderType[];
/** Done in this process, and over with it. */
const JOBS = ['force_checkin', 'view_logs', 'diagnostic'] as const satisfies OrderType[];
/** The same, done by the service of the site, which this process asks and waits for. */
const SITE_JOBS = [
  ...(['run_drift', 'sync_rules', 'healing', 'enable_healing', 'disable_healing'] as const),
  ...(['sensor_status', 'deploy_sensor', 'remove_sensor'] as const),
] as const satisfies OrderType[];

export type ObservedType = (typeof OBSERVED)[number];
export type SiteJobType = (typeof SITE_JOBS)[number];
export type JobType = (typeof JOBS)[number] | SiteJobType;

export function isObserved(type: string): type is ObservedType {
  return (OBSERVED as readonly string[]).includes(type);
}

export function isJob(type: string): type is JobType {
  return (JOBS as readonly string[]).includes(type) || isSiteJob(type);
}

export function isSiteJob(type: string): type is SiteJobType {
  return (SITE_JOBS as readonly string[]).includes(type);
}

/** They change what runs: one at a time, in the order in which they came. */
export function changesMachine(type: string): boolean {
  return isObserved(type) && type !== 'restart_agent';
}
