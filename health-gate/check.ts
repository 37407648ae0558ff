import type { Run } from '../base/run.ts';
import type { BootStateReading } from '../partitions/boot-state-store.ts';
import type { InitrdReport } from '../partitions/initrd-report.ts';
import type { SlotDetection } from '../partitions/slot-detection.ts';

/** What a check found. Skipped means that the question does not arise here, never that it could not be answered. */
export interface Finding {
  outcome: 'pass' | 'fail' | 'skipped';
  /** One sentence for people, without a full stop. */
  message: string;
}

export const passed = (message: string): Finding => ({ outcome: 'pass', message });
export const failed = (message: string): Finding => ({ outcome: 'fail', message });
export const skipped = (message: string): Finding => ({ outcome: 'skipped', message });

/** One question about this boot. Whatever it throws is a failure that carries the error's words. */
export interface Check {
  /** Fixed, kebab-case; shown on the page and kept in the journal. */
  name: string;
  /** Counts for the verdict. The others are observed and reported only (no update is lost to a missing network). */
  decisive: boolean;
  /** This check alone may take this long, in milliseconds; the gate's deadline still cuts it. */
  timeout_ms(context: CheckContext): number;
  find(context: CheckContext, signal: AbortSignal): Promise<Finding>;
}

/** Where a check looks. A test hands in a temporary folder with real files. */
export interface CheckPaths {
  dataMount: string;
  /** A folder on the data partition that the gate owns. */
  dataProbeFolder: string;
  procFolder: string;
  sysFolder: string;
  firewallFactsFile: string;
  imageInfoFile: string;
  criticalUnitsFile: string;
  /** Exists once systemd-timesyncd has synchronised (systemd-timesyncd.service(8)). */
  timeSynchronisedFile: string;
}

/** What the firewall looks like right now, asked of the kernel. */
export interface LiveFirewall {
  /** The table is there. */
  loaded: boolean;
  /** SHA-256 of the canonical rule set as the kernel lists it; null when there is none. */
  digest: string | null;
}

/** What an answer of `/api/v1/status` says runs, or why it is no status (the gate knows no page). */
export type StatusReading = { version: string } | { problem: string };

/** How the service of the site is: it answers, does not, or cannot be there, which is no fault of a slot. */
export type SiteReading = { state: 'answers' } | { state: 'silent' | 'absent'; reason: string };

/** Everything a check may touch, handed in. */
export interface CheckContext {
  paths: CheckPaths;
  run: Run;
  fetch: (url: string, init: { signal: AbortSignal }) => Promise<Response>;
  now: () => Date;
  initrd: InitrdReport;
  /** Booted from the installation medium. */
  live: boolean;
  /** As in /proc/cmdline. */
  kernelCommandLine: string;
  /** The boot state as read when the gate started. */
  bootState: BootStateReading;
  slot: SlotDetection;
  /** Base URL of the agent on this machine, without a slash at the end. */
  agentUrl: string;
  /** This boot proves a newly written slot. */
  trial: boolean;
  /** Of the image that runs. */
  version: string;
  /** How long to wait for what is still starting, in milliseconds. */
  patience_ms: number;
  /** For how long a critical service must have run without a restart, in milliseconds; 0 where it does not matter. */
  steady_ms: number;
  /** Asks the kernel for the rules; null where nobody can (the gate knows nothing about nftables). */
  liveFirewall: (() => Promise<LiveFirewall>) | null;
  /** Reads what the status page answers to programs, already parsed from JSON. */
  readStatus: (answer: unknown) => StatusReading;
  /** Asks the service of the site. Never throws. */
  askSite: (signal: AbortSignal) => Promise<SiteReading>;
  /**
   * Loads the keys that the next update will be held to, and says which, in one sentence; throws where the image has none
   * that can be used (the gate knows no signatures).
   */
  loadUpdateKeys: () => string;
  /** Base URL of the coordinator; null when none is configured. */
  coordinatorUrl: string | null;
}
