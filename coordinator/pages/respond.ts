import type { BulkheadError } from '../../base/errors.ts';
import { SignInLocked } from '../people/failures.ts';
import { TooMany } from '../reports/rate-limit.ts';
import { httpStatusOf } from '../server/problem.ts';

/**
 * Nothing runs but our own script, nothing is loaded from elsewhere, forms go nowhere else. The referrer stays within: with none at all a browser says
 * `Origin: null` of our own forms.
 */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
};

/** @param problem tells the status */
export function pageResponse(html: string, problem: BulkheadError | null = null): Response {
  const headers = new Headers(HEADERS);
  if (problem instanceof SignInLocked || problem instanceof TooMany)
    headers.set('retry-after', String(problem.retry_after_s));
  return new Response(html, { status: problem === null ? 200 : httpStatusOf(problem), headers });
}

/** True when a person's browser asks for what is no part of the API. */
export function wantsPage(request: Request): boolean {
  const { pathname } = new URL(request.url);
  const accepts = request.headers.get('accept')?.includes('text/html') ?? false;
  return accepts && !/^\/(?:api|agent)\//.test(pathname);
}

/** On to another page by GET, so that loading that anew does nothing twice. */
export function goTo(location: string, cookie?: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location, ...(cookie === undefined ? {} : { 'set-cookie': cookie }) },
  });
}

/** A path of ours that was handed around in an address; the start page for anything else. */
export function ownPath(given: string | undefined): string {
  const base = 'http://coordinator';
  const url = given?.startsWith('/') ? URL.parse(given, base) : null;
  return url?.origin === base ? url.pathname + url.search : '/';
}
