/** Limits of the configuration, each with its reason. */

/** A configuration with a hundred SSH keys has 40 KB; what is larger is a wrong file on the stick. */
export const CONFIG_MAX_BYTES = 64 * 1024;

/** Deepest nesting of the schema is 4 (network, interfaces, entry, addresses); more is an attack on the parser. */
export const CONFIG_MAX_DEPTH = 8;

/** A reader fixes a handful of problems at a time; a wrong file must not fill the console with thousands. */
export const CONFIG_MAX_PROBLEMS = 20;

/** Below 10 s a fleet of some thousand boxes is a load test; above an hour an order arrives too late to matter. */
export const POLL_INTERVAL_MIN_S = 10;
export const POLL_INTERVAL_MAX_S = 3600;
export const POLL_INTERVAL_DEFAULT_S = 60;

/** What fits on the console line and a file name; a site is named, not described. */
export const SITE_ID_MAX_CHARS = 64;

/** A thin client has one or two ports; 16 leaves room for USB adapters and VLAN-less oddities. */
export const INTERFACES_MAX = 16;
/** Addresses on one interface, and name servers on one interface: more is a mistake. */
export const ADDRESSES_MAX = 16;
export const DNS_SERVERS_MAX = 8;
export const TIME_SERVERS_MAX = 8;

/** A site that watches more machines without a sensor on them wants sensors; 64 with keys still fit in the file. */
export const TARGETS_MAX = 64;
/** Names of targets go into events and file names. */
export const TARGET_NAME_MAX_CHARS = 32;
/** Windows allows 20 characters of user and 15 of domain, user principal names up to 104 in all (MS-ADTS). */
export const TARGET_USER_MAX_CHARS = 104;
/** Windows takes 127 characters in its own dialogs, PAM 512. */
export const TARGET_PASSWORD_MAX_CHARS = 512;
/** An RSA key of 8192 bits in PEM has 6.4 KB. */
export const PRIVATE_KEY_MAX_CHARS = 8192;
export const SECRET_PATH_MAX_CHARS = 255;
/** A look is a log-in and some commands: more often than once a minute fills the logs of the machine that is looked at. */
export const TARGET_INTERVAL_MIN_S = 60;
export const TARGET_INTERVAL_MAX_S = 86_400;
export const TARGET_INTERVAL_DEFAULT_S = 300;

/** A team's keys; with CONFIG_MAX_BYTES it also bounds the file sshd reads at each login. */
export const SSH_KEYS_MAX = 64;
/** An RSA key of 16384 bits takes 2.8 KB of base64, with a comment; longer lines are no keys. */
export const SSH_KEY_MAX_CHARS = 4096;
/** NIST SP 800-57 part 1, table 2: RSA below 3072 bits offers less than 128 bits of security. */
export const SSH_RSA_MIN_BITS = 3072;

/** IEEE 802.11: an SSID has 1 to 32 bytes; IEEE 802.11i: a passphrase has 8 to 63 printable ASCII characters. */
export const SSID_MAX_BYTES = 32;
export const PASSPHRASE_MIN_CHARS = 8;
export const PASSPHRASE_MAX_CHARS = 63;

/** An edit distance of a third of the word still reads as a typing mistake, and at most three letters. */
export const SUGGEST_MAX_DISTANCE = 3;

/** Below this a full update takes longer than a working day; what was meant is another unit. */
export const BANDWIDTH_MIN_KIB_S = 8;

/** As many as there are controls of the appliance, and room: who justifies more does not want to be measured. */
export const JUSTIFICATIONS_MAX = 64;
/** Under ten characters nobody has said anything; over 500 it is a document, and belongs where documents are. */
export const REASON_MIN_CHARS = 10;
export const REASON_MAX_CHARS = 500;
