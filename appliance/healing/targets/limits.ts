/** Limits of looking at other machines, each with its reason. */

/** A machine on the same network answers in milliseconds; ten seconds also wait for one that wakes a disk. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Key exchange and log-in: sshd asks name servers about its visitor, which takes up to ten seconds where they are silent. */
export const LOGIN_TIMEOUT_MS = 20_000;
/** One check: apt reads its lists in seconds, PowerShell starts in five on an old machine. */
export const CHECK_TIMEOUT_MS = 120_000;
/** How long the other side is waited for when a session is closed in order; then the connection is cut. */
export const CLOSE_TIMEOUT_MS = 2_000;
/** How much longer we wait than what is told to the machine itself, so that its own words about the time-out arrive. */
export const GRACE_MS = 10_000;
/** One answer of WinRM; it was told WINRM_ENVELOPE_MAX_BYTES, and encryption and chunks add a little. */
export const WINRM_RESPONSE_MAX_BYTES = 512 * 1024;
/** What every WinRM since 2008 takes and gives (MaxEnvelopeSizekb, 150 KB). */
export const WINRM_ENVELOPE_MAX_BYTES = 153_600;
/** Header lines of an answer; a Negotiate token of Kerberos with many groups would have 16 KB, ours has 1. */
export const HTTP_HEAD_MAX_BYTES = 32 * 1024;
/** Elements within each other: an answer of WinRM has seven. */
export const XML_DEPTH_MAX = 32;
/** How long WinRM holds one question before it says that nothing has happened: what somebody who asks to stop waits at most. */
export const WINRM_POLL_S = 15;
/** A shell that nobody uses is taken away by WinRM itself: what is left when the appliance dies in the middle. */
export const WINRM_SHELL_IDLE_S = 180;
/** Saying goodbye after an error: a new connection, log-in and two short messages. */
export const WINRM_CLEANUP_MS = 10_000;
/** cmd.exe takes 8191 characters in one line, and WinRM starts commands through it. */
export const WINRM_COMMAND_MAX_CHARS = 8_000;

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

/** Machines looked at at the same time: each is a connection and a log-in, and the appliance has two cores. */
export const TARGETS_AT_ONCE_MAX = 4;
/** One whole look at a machine, all its checks; longer than any that works, shorter than the longest interval. */
export const LOOK_TIMEOUT_MS = 600_000;

/** Above this a file system counts as full: what is written next may no longer fit. */
export const DISK_USED_MAX_PERCENT = 90;
/** Half a minute is what TOTP forgives, and far below the five minutes of Kerberos. */
export const CLOCK_OFF_MAX_S = 30;
/** Package lists older than this say nothing about today's updates. */
export const PACKAGE_LISTS_MAX_AGE_S = 7 * 86_400;
/** Definitions of Defender come several times a day; Microsoft calls them out of date after a week. */
export const DEFENDER_SIGNATURES_MAX_AGE_DAYS = 7;
/** The screen of an unattended workstation locks after at most 15 minutes (NIST SP 800-53 AC-11, as commonly set). */
export const SCREENLOCK_MAX_S = 900;
/** Windows Update is asked at least this often by Windows itself; an older answer says nothing. */
export const WINDOWS_SEARCH_MAX_AGE_S = 14 * 86_400;
