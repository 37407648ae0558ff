/** Limits of the health gate, each with its reason. `limits.test.ts` holds the relations between them. */

/**
 * All checks together. Two and a half minutes: five times the 30 s that the agent needs under software emulation,
 * and short enough that three failing attempts are over within the quarter of an hour a technician waits.
 */
export const GATE_DEADLINE_MS = 150_000;

/** How long a check that only looks may take: a dead disk hangs, a healthy one answers in milliseconds. */
export const CHECK_TIMEOUT_MS = 20_000;

/** How long the gate waits for something that is still starting: the agent answers, a critical unit settles. */
export const START_PATIENCE_MS = 120_000;

/**
 * For how long critical services of a slot on trial must have run without a restart. Longer than the 20 s after which
 * systemd ends an agent that hangs, and short enough to leave three quarters of the patience for getting there.
 */
export const TRIAL_STEADY_MS = 30_000;

/** The patience when only observing: the agent may just be restarting, which is promised to take under 30 s. */
export const OBSERVE_PATIENCE_MS = 35_000;

/** Between two looks at something that is still starting. */
export const RETRY_PAUSE_MS = 1_000;

/** One question to the agent. A page that takes longer is not answering. */
export const AGENT_REQUEST_TIMEOUT_MS = 5_000;

/** An answer longer than this is not the agent's and is not read to its end. */
export const AGENT_ANSWER_MAX_BYTES = 64 * 1024;

/** The whole status: below 100 KiB with every verdict it shows; ten times that is read before it is called too long. */
export const STATUS_ANSWER_MAX_BYTES = 1024 * 1024;

/** Recording and committing: far above the milliseconds it takes, so that only a hanging disk runs into it. */
export const WRITE_TIMEOUT_MS = 20_000;

/** A day of the journal, the agent's queue and its database fit into this; less and SQLite starts to fail. */
export const DATA_FREE_MIN_BYTES = 64 * 1024 * 1024;

/** Every durable write makes a temporary file; a file system without inodes is full however many bytes are free. */
export const DATA_FREE_MIN_INODES = 256;

/** Below this the kernel throws program text out of memory and reads it back all the time; the agent stalls. */
export const MEMORY_AVAILABLE_MIN_BYTES = 64 * 1024 * 1024;

/** The R1505G throttles itself at 95 °C and switches off at 105 °C (AMD Ryzen Embedded R1000 data sheet). */
export const TEMPERATURE_WARN_C = 95;

/** One question to the coordinator; it is only observed, so it is not waited for any longer. */
export const COORDINATOR_TIMEOUT_MS = 10_000;

/** What the data partition must take and give back: one page, written and read past the cache. */
export const DATA_PROBE_BYTES = 4096;

/** Verdicts that the journal keeps: with a boot a day more than a year of history, about 2 MB. */
export const JOURNAL_KEEP_VERDICTS = 500;

/** Verdicts over JOURNAL_KEEP_VERDICTS before the journal is rewritten, so that not every boot rewrites it. */
export const JOURNAL_SLACK_VERDICTS = 50;

/**
 * A journal larger than this was not written by the gate; only its end is read.
 * Twice what 550 verdicts of 4 KiB need.
 */
export const JOURNAL_READ_MAX_BYTES = 2 * (JOURNAL_KEEP_VERDICTS + JOURNAL_SLACK_VERDICTS) * 4096;

/** A message of a check is one sentence; longer ones (a program's whole output) are cut in the verdict. */
export const MESSAGE_MAX_LENGTH = 300;

/** An orderly reboot stops the services; every unit of the image gives up within 60 s. */
export const REBOOT_ORDERLY_MS = 90_000;

/** `systemctl reboot --force` only kills and unmounts. */
export const REBOOT_FORCED_MS = 20_000;

/** Asking systemd to reboot. It answers at once or is stuck. */
export const REBOOT_COMMAND_TIMEOUT_MS = 10_000;

/** Between sysrq's "sync" and "restart": what still can be written is written. */
export const SYSRQ_PAUSE_MS = 2_000;

/** Verdicts that `health-gate history` prints unless told otherwise. */
export const HISTORY_SHOWN_DEFAULT = 20;
