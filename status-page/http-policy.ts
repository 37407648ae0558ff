/**
 * What holds for every answer of this server, whatever the route. Nothing may be loaded from outside, nothing may
 * frame the page, nothing is sent anywhere: the page works in a network without internet and gives nothing away.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/**
 * The same for the one page with a form. Its form goes to this server alone; and the address of the page goes with it, to this server
 * alone too: by Fetch, a form of a page that says `no-referrer` comes with `Origin: null`, as one of a stranger does.
 */
export const FORM_HEADERS: Readonly<Record<string, string>> = {
  ...SECURITY_HEADERS,
  'content-security-policy': (SECURITY_HEADERS['content-security-policy'] ?? '').replace(
    "form-action 'none'",
    "form-action 'self'",
  ),
  'referrer-policy': 'same-origin',
};

/** All but assets is true only now. */
const KEEP_NOT = 'no-store';

/** Fills in what the route did not say. */
export function applyPolicy(headers: Headers, policy = SECURITY_HEADERS): void {
  for (const [name, value] of Object.entries(policy)) headers.set(name, value);
  if (!headers.has('cache-control')) headers.set('cache-control', KEEP_NOT);
}

/** True when a person's browser asks; programs get JSON instead of a page. */
export function wantsPage(request: Request): boolean {
  return request.headers.get('accept')?.includes('text/html') ?? false;
}

/** RFC 9110, section 13.1.2: a list of tags or `*`; a weak tag matches too, as proxies make them. */
export function matchesEtag(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
