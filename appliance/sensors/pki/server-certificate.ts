import { hostname, networkInterfaces } from 'node:os';
import type { Authority, ServerIdentity, ServerNames } from './authority.ts';
import { NAMES_INTERVAL_MS, NAMES_MAX, SERVER_RENEW_BEFORE_MS } from './limits.ts';

/** The certificate of the service, which follows the names and addresses of the machine. */
export interface ServerCertificate {
  readonly current: ServerIdentity;
  /** Looks now; a new certificate is told to `onChange`. */
  look(): Promise<void>;
  stop(): void;
}

export interface ServerCertificateParts {
  authority: Authority;
  names: () => ServerNames;
  now: () => Date;
  onChange: (identity: ServerIdentity) => void;
  /** Told that a new one could not be made; the old one stays. */
  onFault: (error: unknown) => void;
}

export async function keepServerCertificate(parts: ServerCertificateParts): Promise<ServerCertificate> {
  const { authority, now, onChange, onFault } = parts;
  let names = bounded(parts.names());
  let current = await authority.issueServer(names);
  const look = async () => {
    const wanted = bounded(parts.names());
    const old = current.expires_ms - now().getTime() < SERVER_RENEW_BEFORE_MS;
    if (!old && Bun.deepEquals(wanted, names)) return;
    current = await authority.issueServer(wanted);
    names = wanted;
    onChange(current);
  };
  const timer = setInterval(() => void look().catch(onFault), NAMES_INTERVAL_MS);
  return {
    get current() {
      return current;
    },
    look,
    stop: () => clearInterval(timer),
  };
}

/** What this machine is reached by: its name, also as mDNS has it, localhost, and every address that is not only of one link. */
export function machineNames(): ServerNames {
  const name = hostname();
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ address, scopeid }) => !scopeid && !address.includes('%'))
    .map(({ address }) => address);
  const dns = /^[A-Za-z0-9.-]{1,63}$/.test(name) ? [name, `${name}.local`] : [];
  return { dns: [...dns, 'localhost'], ip: ['127.0.0.1', '::1', ...addresses] };
}

/** In one order and without doubles, so that two lists of the same names are the same. */
function bounded({ dns, ip }: ServerNames): ServerNames {
  const sorted = (list: readonly string[]) => [...new Set(list)].sort().slice(0, NAMES_MAX);
  return { dns: sorted(dns), ip: sorted(ip) };
}
