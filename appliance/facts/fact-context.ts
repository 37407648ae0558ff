import {
  CRITICAL_UNITS_FILE,
  DEVICE_KEY_FILE,
  FIREWALL_FACTS_FILE,
  HEALTH_FILE,
  IMAGE_INFO_FILE,
  INITRD_REPORT_FILE,
  MACHINE_FACTS_FILE,
  PENDING_UPDATE_FILE,
  REJECTED_RELEASES_FILE,
  SECRETS_FACTS_FILE,
  SETUP_FACTS_FILE,
  UPDATE_HISTORY_FILE,
  UPDATE_PROGRESS_FILE,
  VERDICT_JOURNAL_FILE,
} from '../../base/paths.ts';
import type { Run } from '../../base/run.ts';
import { DATA_MOUNT } from '../../partitions/layout-names.ts';
import type { CoordinatorStatus } from '../../status-page/status.ts';

/** Where the collectors look. A test hands in a temporary tree with real files. */
export interface FactPaths {
  /** `/proc` */
  proc: string;
  /** `/sys` */
  sys: string;
  /** `/run` */
  run: string;
  /** `/etc` */
  etc: string;
  dataMount: string;
  imageInfoFile: string;
  initrdReportFile: string;
  machineFactsFile: string;
  healthFile: string;
  firewallFactsFile: string;
  verdictJournalFile: string;
  deviceKeyFile: string;
  criticalUnitsFile: string;
  setupFactsFile: string;
  secretsFactsFile: string;
  updateProgressFile: string;
  pendingUpdateFile: string;
  updateHistoryFile: string;
  rejectedReleasesFile: string;
}

export const APPLIANCE_PATHS: FactPaths = {
  proc: '/proc',
  sys: '/sys',
  run: '/run',
  etc: '/etc',
  dataMount: DATA_MOUNT,
  imageInfoFile: IMAGE_INFO_FILE,
  initrdReportFile: INITRD_REPORT_FILE,
  machineFactsFile: MACHINE_FACTS_FILE,
  healthFile: HEALTH_FILE,
  firewallFactsFile: FIREWALL_FACTS_FILE,
  verdictJournalFile: VERDICT_JOURNAL_FILE,
  deviceKeyFile: DEVICE_KEY_FILE,
  criticalUnitsFile: CRITICAL_UNITS_FILE,
  setupFactsFile: SETUP_FACTS_FILE,
  secretsFactsFile: SECRETS_FACTS_FILE,
  updateProgressFile: UPDATE_PROGRESS_FILE,
  pendingUpdateFile: PENDING_UPDATE_FILE,
  updateHistoryFile: UPDATE_HISTORY_FILE,
  rejectedReleasesFile: REJECTED_RELEASES_FILE,
};

/** Everything that collecting facts needs from outside. */
export interface FactContext {
  paths: FactPaths;
  run: Run;
  now: () => Date;
  /** From the configuration in force. */
  siteId: string | null;
  /** The last word of the coordinator probe. */
  coordinator: () => CoordinatorStatus;
  /** Called with one sentence when a collector fails; the fact then reads as not known. */
  warn: (message: string) => void;
}
