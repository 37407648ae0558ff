/** Limits of looking at other machines, each with its reason. */

/** Key exchange and log-in: sshd asks name servers about its visitor, which takes up to ten seconds where they are silent. */
export const LOGIN_TIMEOUT_MS = 20_000;
/** One check: apt reads its lists in seconds, PowerShell starts in five on an old machine. */
export const CHECK_TIMEOUT_MS = 120_000;
/** How long the other side is waited for when a session is closed in order; then the connection is cut. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** What one command may print, both streams together: checks print hundreds of bytes, an update of a system some ten thousand. */
export const OUTPUT_MAX_BYTES = 256 * 1024;
/** What is kept of an action's output as evidence. */
export const ACTION_OUTPUT_MAX_CHARS = 4_000;
/** Lines of one answer: a machine with a thousand failed services is as broken as one with two hundred. */
export const ANSWER_LINES_MAX = 200;
/** Texts of a detection, per field: what a person reads, and what fits in an event. */
export const DETECTION_TEXT_MAX_CHARS = 300;

/** A key or password in a file; RSA keys of 8192 bits have 6.4 KB. */
export const SECRET_FILE_MAX_BYTES = 16 * 1024;

/** Above this a file system counts as full: what is written next may no longer fit. */
export const DISK_USED_MAX_PERCENT = 90;
/** Half a minute is what TOTP forgives, and far below the five minutes of Kerberos. */
export const CLOCK_OFF_MAX_S = 30;
/** Package lists older than this say nothing about today's updates. */
export const PACKAGE_LISTS_MAX_AGE_S = 7 * 86_400;
