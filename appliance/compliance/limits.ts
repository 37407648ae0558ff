/** Limits of compliance, each with its reason. */

/** Often enough that a change is seen within the working hour; one run reads some hundred small files and starts three programs. */
export const CHECK_INTERVAL_S = 15 * 60;

/** A year and a month: what an auditor asks for is the last twelve months, and he asks late. */
export const SAMPLES_KEPT_DAYS = 400;

/** Root looks every five minutes; what it saw before that is six looks old, and nobody knows how things are now. */
export const ROOT_SIGHT_MAX_AGE_S = 30 * 60;

/** `systemctl show` answers in 10 to 50 ms; a bus that takes longer than this is broken. */
export const BUS_TIMEOUT_MS = 5_000;

/** `sshd -T` reads one file and its keys. */
export const SSHD_TIMEOUT_MS = 10_000;

/** A finding that stays open is seen again every hour; a control that holds is put on record four times a day. */
export const RECORD_FAILING_AGAIN_S = 60 * 60;
export const RECORD_GOOD_AGAIN_S = 6 * 60 * 60;

/** Sensors report at least every hour (REFERENCE: check interval up to 3600 s); two that were missed, and room. */
export const MACHINE_SILENT_S = 3 * 60 * 60;

/**
 * Rows of samples. One is written when the numbers of a scope have changed, so a quiet site has a few hundred a year; one where everything
 * flaps every hour keeps its latest half year.
 */
export const SAMPLES_MAX = 200_000;

/** What a sample takes in the store, for its queue. */
export const SAMPLE_BYTES = 80;

/** Points that one question about the past is answered with: 41 days by the hour, 400 by the day. */
export const HISTORY_POINTS_MAX = 1_000;

/** Days of the past in a report. */
export const REPORT_DAYS = 30;

/** Machines and findings in a report; an export has all of them. */
export const REPORT_MACHINES_MAX = 500;
export const REPORT_FINDINGS_MAX = 100;

/** Root looks five minutes after the boot for the first time, and the services around have settled by then. */
export const FIRST_LOOK_S = 6 * 60;

/** Characters of one text in the PDF: three sentences. The CSV has the whole of it. */
export const EXPORT_TEXT_MAX = 360;

/** Machines in the PDF, those that need somebody first: what a person reads. Each is a row that costs a millisecond to set. */
export const PDF_MACHINES_MAX = 100;

/** The status page waits so long for the service of the site: the first look of a process starts programs, a PDF is set within a second. */
export const ASK_TIMEOUT_MS = 15_000;
