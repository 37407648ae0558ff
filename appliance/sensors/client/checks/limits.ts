/** Limits of the checks of the reference sensor, each with its reason. */

/** A simulated upgrade reads all package lists; on a small machine with a slow disk that takes half a minute. */
export const PACKAGES_TIMEOUT_MS = 180_000;

/** PowerShell starts slowly on a machine that has just booted; asking Windows Update takes minutes there. */
export const POWERSHELL_TIMEOUT_MS = 300_000;

/** A file system fuller than this fails, in per cent, unless the appliance sets another limit. */
export const DISK_USED_MAX_PERCENT = 90;

/** Package lists and virus signatures that are older than this say nothing about today. In days. */
export const LISTS_MAX_AGE_DAYS = 7;

/** Without input for longer than this, in seconds, the screen has to be locked, unless the appliance sets another limit. */
export const SCREEN_LOCK_MAX_S = 900;

/** Names that one reading lists; the number of all is said. */
export const LISTED_MAX = 20;
