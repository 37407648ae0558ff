/** Limits of letting sensors in, each with its reason. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** 80 bits: nobody guesses that, and sixteen letters can still be typed. */
export const CODE_BYTES = 10;
/** A technician makes it in the morning and installs during the day. */
export const CODE_AGE_MS = 24 * HOUR_MS;
/** Codes that are open at once: one for each machine of a roll-out by hand. */
export const CODES_MAX = 200;

/** Random bytes that a sensor keeps as its claim, fewer are guessed, more are no use. */
export const CLAIM_BYTES = 32;
/** Digits of a claim's fingerprint that people compare. */
export const SHOWN_DIGITS = 8;
/** Those who wait at once: more is a flood, and nobody would read the list. */
export const WAITING_MAX = 64;
/** Of one address: machines behind one router, and one that was installed anew a few times. */
export const WAITING_PER_ADDRESS_MAX = 4;
/** Who has not asked for a day has gone; an approval that nobody used for a day has ended, too. */
export const WAITING_AGE_MS = 24 * HOUR_MS;
/** How long an answer that got lost can be asked for again by the same claim. It ends when the sensor has been heard. */
export const AGAIN_MS = HOUR_MS;

/** REQUIREMENTS 50: three failures in ten minutes … */
export const FAILURES_MAX = 3;
export const FAILURES_WINDOW_MS = 10 * MINUTE_MS;
/** … and the address is not listened to for a quarter of an hour. */
export const BLOCK_MS = 15 * MINUTE_MS;
/** Addresses that are remembered; the oldest is forgotten for a new one. */
export const ADDRESSES_MAX = 4_096;
/** Blocks that are put on record in an hour: a flood from many addresses must not fill the evidence. */
export const BLOCKS_RECORDED_PER_HOUR = 60;

/** Digits on the console: a person reads them off one screen and types them into another. */
export const CONSOLE_CODE_DIGITS = 6;
/** Wrong ones until there is a new code … */
export const CONSOLE_FAILURES_MAX = 10;
/** … and nobody is listened to for this long, twice as long each time: ten guesses of a million, then a wait. */
export const CONSOLE_LOCK_MS = 10 * MINUTE_MS;
export const CONSOLE_LOCK_MAX_MS = 24 * HOUR_MS;

/** Names of a machine and its programs, as it says them itself. */
export const HOSTNAME_MAX = 253;
export const FACT_MAX = 256;
