import { X509Certificate } from 'node:crypto';
import { Exchange, type Line } from './exchange.ts';
import { FetchFailure } from './failure.ts';
import { type Mirror, Mirrors } from './mirrors.ts';
import { type FetchOptions, type FetchSettings, settingsOf } from './options.ts';

/** What one source or one small fetch works with: mirrors, connections, and one signal that ends it all. */
export interface FetchSession {
  readonly mirrors: Mirrors;
  readonly settings: FetchSettings;
  /** One request to a mirror; to be closed. */
  exchange(mirror: Mirror): Exchange;
  /**
   * After a failure of a mirror: waits as long as the mirrors say.
   *
   * @throws FetchFailure when there is no further try
   */
  recover(mirror: Mirror, error: unknown, gained_bytes: number): Promise<void>;
  close(): void;
}

/** @throws BulkheadError FETCH_URL_INVALID, FETCH_LIMIT_INVALID, FETCH_CA_INVALID */
export function openSession(urls: readonly string[], options: FetchOptions): FetchSession {
  const settings = settingsOf(options);
  const mirrors = new Mirrors(urls, settings);
  const name = mirrors.all[0]?.address.name ?? '';
  const end = new AbortController();
  const stop = (code: string, what: string) =>
    end.abort(new FetchFailure(code, `fetching ${name} ${what}`, { reaction: 'final' }));
  const cancelled = () => stop('FETCH_ABORTED', 'was called off');
  if (options.signal?.aborted) cancelled();
  else options.signal?.addEventListener('abort', cancelled, { once: true });
  const ca_pem = options.ca_pem === undefined ? undefined : checkedCertificates(options.ca_pem);
  const line: Line = { settings, trust: { ca_pem }, signal: end.signal, quick: false };
  return {
    mirrors,
    settings,
    exchange: (mirror) => new Exchange(mirror.address, line),
    recover: async (mirror, error, gained_bytes) => {
      if (!(error instanceof FetchFailure)) throw error;
      await settings.clock.sleep(mirrors.failed(mirror, error, gained_bytes), end.signal);
    },
    close: () => {
      options.signal?.removeEventListener('abort', cancelled);
      stop('FETCH_CLOSED', 'ended: the source is closed');
    },
  };
}

function checkedCertificates(ca_pem: string): string {
  try {
    new X509Certificate(ca_pem);
    return ca_pem;
  } catch (cause) {
    throw new FetchFailure('FETCH_CA_INVALID', 'the certificates to trust are not certificates in PEM', {
      reaction: 'final',
      hint: 'give the certificate of the authority, beginning with -----BEGIN CERTIFICATE-----',
      cause,
    });
  }
}
