/** Limits of the delta codec, each with its reason. What holds for every bundle is in updater/limits.ts. */

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Bytes of one piece that are not plain copies. Each costs the box up to a microsecond or two of modelling, so this
 * bounds how long one piece may take, whatever it claims.
 */
export const CODED_MAX_BYTES = 16 * MIB;
/** Tokens of one piece, for the same reason: a token may yield a single byte, or jump and yield none. */
export const TOKENS_MAX = 256 * KIB;
/** Bytes that one token of changed or new bytes has at most. A piece is closed between tokens. */
export const TOKEN_CODED_MAX_BYTES = 4 * KIB;
/**
 * Room that must be left in a piece to begin a token: a bit costs at most 12 bits (logistic.ts), a changed byte has nine,
 * and the token in front of it a handful.
 */
export const TOKEN_PAYLOAD_MAX_BYTES = 60 * KIB;
/**
 * Probabilities of the model of one piece: 2 to the power of this, 2 bytes each. Four times as many make a delta 3 to 5 % smaller and take 6 MB
 * more on the box, where there are 64 for everything.
 */
export const MODEL_SLOTS_BITS = 20;
/** Fresh bytes in which repetitions are looked for; memory on the box. A power of 2. */
export const HISTORY_BYTES = 256 * KIB;
/** What decodePiece yields at once: long enough for few calls, short enough to leave the event loop often. */
export const PART_MAX_BYTES = 64 * KIB;
/** Read-ahead over changed parts of the base: one read of the device for many short copies, and cheap when they jump. */
export const BASE_WINDOW_BYTES = 32 * KIB;

/** The encoder holds both images and an index in memory: about five times this at worst, and positions are 32-bit. */
export const ENCODED_IMAGE_MAX_BYTES = 1024 * MIB;
/** Seeds of the base that the encoder indexes; with more, only every second, third, … is taken. 0.4 GiB with its table. */
export const SEED_POSITIONS_MAX = 48 * MIB;
/** Target bytes between two reports of progress. */
export const PROGRESS_STEP_BYTES = 4 * MIB;
