import { FetchFailure } from './failure.ts';

/** One URL taken apart, so that its secrets cannot get into a message by accident. */
export interface Address {
  /** Without user, password and fragment. */
  url: URL;
  /** For messages: without credentials and query, either of which may be a secret. */
  name: string;
  /** Value of the Authorization header; sent to the origin of this address only. */
  authorization: string | undefined;
}

/**
 * @param text http or https, with `user:password@` for Basic authentication
 * @throws BulkheadError FETCH_URL_INVALID
 */
export function parseAddress(text: string): Address {
  const url = URL.parse(text);
  // The text itself is not repeated: it may hold a password.
  if (!url) throw invalid('an address of the update is not a URL');
  const authorization = authorizationOf(url);
  const address = stripped(url, authorization);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw invalid(`${address.name} is neither http nor https`);
  return address;
}

/**
 * Where a redirect leads, if it is one that is followed: to the same host or one that was named, never from https back to
 * http. Credentials stay with the origin they were given for.
 *
 * @param from the address that answered with the redirect
 * @param location value of the Location header
 * @param mirror the address the request began with
 * @param hosts further hosts that may be followed to, `name` or `name:port` where the port is not that of the scheme
 * @throws BulkheadError FETCH_REDIRECT_REFUSED
 */
export function redirectTarget(
  from: Address,
  location: string | undefined,
  mirror: Address,
  hosts: readonly string[],
): Address {
  const refused = (why: string, hint?: string) =>
    new FetchFailure('FETCH_REDIRECT_REFUSED', `${from.name} redirects ${why}`, {
      reaction: 'out',
      ...(hint === undefined ? {} : { hint }),
    });
  const url = location === undefined ? null : URL.parse(location, from.url.href);
  if (!url) throw refused('without saying where to');
  const target = stripped(url, undefined);
  if (url.protocol !== 'https:' && (url.protocol !== 'http:' || from.url.protocol === 'https:'))
    throw refused(`to ${url.protocol} ${target.name}`, 'let the server redirect to https only');
  if (url.host !== mirror.url.host && !hosts.includes(url.host))
    throw refused(`to another host, ${url.host}`, `allow '${url.host}' if that is where updates come from`);
  if (url.origin === mirror.url.origin) target.authorization = mirror.authorization;
  return target;
}

function stripped(url: URL, authorization: string | undefined): Address {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  bare.hash = '';
  // The origin of a scheme without hosts is the word null.
  const origin = bare.host === '' ? bare.protocol : bare.origin;
  return { url: bare, name: `${origin}${bare.pathname}`, authorization };
}

function authorizationOf(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  try {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    throw invalid(`user or password in the address of ${url.host} is not percent-encoded UTF-8`);
  }
}

function invalid(message: string): FetchFailure {
  return new FetchFailure('FETCH_URL_INVALID', message, {
    reaction: 'final',
    hint: 'write addresses as https://user:password@host/path, special characters percent-encoded',
  });
}
