/** Limits of comparing releases with feeds of vulnerabilities, each with its reason. */

/** The largest feed: Debian's whole tracker is below 100 MB, and one text of a JavaScript engine has 512 MiB. */
export const FEED_MAX_BYTES = 400 * 1024 * 1024;

/** Advisories of one feed: every CVE of every package that Debian ever had is half a million. */
export const ADVISORIES_MAX = 2_000_000;

/** Parts of one image: a Debian image with everything that its program is made of has a few hundred. */
export const PARTS_MAX = 20_000;

/** Findings that are kept by name, the worst first; the counts are of all. With the longest names they fit into one request (REQUEST_BODY_MAX_BYTES). */
export const FINDINGS_KEPT_MAX = 120;

/** Longest name and version of a package, and longest id of an advisory, that is taken for one. */
export const NAME_MAX = 100;
