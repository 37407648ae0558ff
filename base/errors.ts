/**
 * One error type for everything a person may read. `code` is fixed and listed in docs/reference/errors.md
 * (a repository test holds the two together); `hint` says what to do about it.
 */
export class BulkheadError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  /**
   * @param code    fixed, upper snake case, prefixed by its part: `BOOT_STATE_DAMAGED`
   * @param message what was attempted, on what, and what happened
   * @param options `hint`: what the reader can do; `cause`: the error underneath, never dropped
   */
  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BulkheadError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** What Bun says of a connection that did not come about, and what it means: nobody typed a URL here. */
const CONNECTION_WORDS: Readonly<Record<string, string>> = {
  'ECONNREFUSED: Unable to connect. Is the computer able to access the url?':
    'nobody listens there (ECONNREFUSED)',
  'ENOENT: Was there a typo in the url or port?': 'there is no such socket (ENOENT)',
};

/** The message of anything that was thrown, with its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = error instanceof BulkheadError ? `${error.code}: ` : '';
  const cause = error.cause === undefined ? '' : ` (because: ${describeError(error.cause)})`;
  return `${code}${CONNECTION_WORDS[error.message] ?? error.message}${cause}`;
}

/** An error as a person at a terminal reads it: what happened, and below it what to do. Ends with a line break. */
export function errorLines(error: unknown): string {
  const hint = error instanceof BulkheadError && error.hint ? `       ${error.hint}\n` : '';
  return `error: ${describeError(error)}\n${hint}`;
}
