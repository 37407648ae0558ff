/** Limits of compliance, each with its reason. */

/** Often enough that a change is seen within the working hour; one run reads some hundred small files and starts three programs. */
export const CHECK_INTERVAL_S = 15 * 60;

/** A year and a month: what an auditor asks for is the last twelve months, and he asks late. */
export const SAMPLES_KEPT_DAYS = 400;
