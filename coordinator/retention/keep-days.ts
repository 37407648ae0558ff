import { BUILDS_KEPT_DAYS, RECORDS_KEPT_DAYS } from './limits.ts';

/** Days that records are kept. The audit log is kept for ever. */
export interface KeepDays {
  /** What has changed on appliances; findings that are closed and healings of their sites. */
  reports: number;
  /** Orders that have ended, with their history and logs. */
  orders: number;
  /** Alarms that are over. */
  alarms: number;
  /** Builds that have ended, with their logs, and what webhooks have said. */
  builds: number;
}

export const KEEP_DAYS: KeepDays = {
  ...{ reports: RECORDS_KEPT_DAYS, orders: RECORDS_KEPT_DAYS, alarms: RECORDS_KEPT_DAYS },
  builds: BUILDS_KEPT_DAYS,
};
