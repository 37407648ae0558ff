import { rootCertificates } from 'node:tls';
import type { Config } from '../config/schema.ts';

/**
 * Who may vouch for the servers of a release, in PEM; undefined: the public authorities. A coordinator with an authority of its own
 * serves releases as well. Where others serve the same one, both count for all of them: what is fetched is signed in any case.
 */
export function authoritiesFor(
  locations: readonly string[],
  { url, ca_certificate }: Pick<Config['coordinator'], 'url' | 'ca_certificate'>,
): string | undefined {
  const own = url === null ? undefined : URL.parse(url)?.origin;
  if (ca_certificate === null || own === undefined) return undefined;
  const origins = locations.map((location) => URL.parse(location)?.origin);
  if (!origins.includes(own)) return undefined;
  const others = origins.some((origin) => origin?.startsWith('https:') && origin !== own);
  return others ? [ca_certificate, ...rootCertificates].join('\n') : ca_certificate;
}
