/** Limits of the console text, each with its reason. */

/** Columns used. A VGA text screen and a serial terminal have 80; writing into the last one wraps on some of them. */
export const CONSOLE_COLUMNS = 79;

/** Lines used. One less than 25: the line feed after the last one would scroll the first one away. */
export const CONSOLE_LINES = 24;

/** Lines that the reason of an unhealthy boot may take; the whole of it is on the page and in the journal. */
export const REASON_LINES = 3;
