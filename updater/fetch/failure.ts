import { BulkheadError } from '../../base/errors.ts';

/**
 * What a failed request means for the mirror it went to:
 * `retry` a passing fault, the same mirror is asked again; `next` another mirror first, this one later;
 * `out` the mirror cannot give this file and is not asked again; `final` no mirror can help.
 */
export type Reaction = 'retry' | 'next' | 'out' | 'final';

/** A failed request with what is to be done about it. */
export class FetchFailure extends BulkheadError {
  readonly reaction: Reaction;
  /** How long the server asked to be left alone; 0 when it did not. */
  readonly retryAfter_ms: number;

  constructor(
    code: string,
    message: string,
    options: { reaction: Reaction; retryAfter_ms?: number; hint?: string; cause?: unknown },
  ) {
    super(code, message, options);
    this.reaction = options.reaction;
    this.retryAfter_ms = options.retryAfter_ms ?? 0;
  }
}

/** Codes of certificates that were not accepted, as OpenSSL and Bun name them. */
const TLS_CODE = /CERT|TLS|SSL|SIGNATURE|ISSUER/;

/**
 * What the connection or the parser failed with, as one of ours.
 *
 * @param name the URL without credentials and query
 */
export function connectionFailure(error: unknown, name: string): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const code = codeOf(error);
  // The runtime says where to, with everything that is secret in it.
  if (error instanceof Error && 'path' in error) error.path = name;
  if (TLS_CODE.test(code)) {
    return new FetchFailure('FETCH_TLS', `the certificate of ${name} was not accepted: ${code}`, {
      // A captive portal or a clock that is not set yet passes, so the mirror is asked again later.
      reaction: 'next',
      hint: 'check the certificate of the server and the clock of the appliance',
      cause: error,
    });
  }
  return new FetchFailure('FETCH_BROKEN', `the connection to ${name} failed: ${code}`, {
    reaction: 'retry',
    cause: error,
  });
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : 'unknown';
}
