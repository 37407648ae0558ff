import type { CoordinatorStatus } from '../../status-page/status.ts';

/** The words of one probe: which stage stopped it, and a sentence for the person at the site. */
export interface ProbeResult {
  reachable: boolean;
  failingStage: CoordinatorStatus['failingStage'];
  message: string;
}

/** What is known about the own network before anything is sent. */
export interface LinkState {
  /** An interface other than loopback has a cable (or radio). */
  carrier: boolean;
  /** One of those has an address that is not link-local. */
  address: boolean;
}

const stopped = (failingStage: NonNullable<ProbeResult['failingStage']>, message: string): ProbeResult => ({
  reachable: false,
  failingStage,
  message: `${failingStage}: ${message}`,
});

export function linkProblem(link: LinkState): ProbeResult | null {
  if (!link.carrier) return stopped('link', 'no network cable is plugged in, or the switch port is dead');
  if (!link.address) return stopped('link', 'there is a link but no address; DHCP has not answered');
  return null;
}

/** @param code of getaddrinfo(3) as node names it (ENOTFOUND, EAI_AGAIN), or `timeout` */
export function dnsProblem(host: string, code: string): ProbeResult {
  if (code === 'timeout' || code === 'EAI_AGAIN' || code === 'ETIMEOUT' || code === 'ESERVFAIL') {
    return stopped(
      'dns',
      `no name server answers for ${host}; check the name servers and that port 53 is open`,
    );
  }
  return stopped('dns', `cannot resolve ${host} (${code}); is the name right, does a DNS filter block it?`);
}

/** Filters such as Pi-hole answer a blocked name with the address that means "nowhere". */
export function isSinkhole(addresses: readonly string[]): boolean {
  return addresses.length > 0 && addresses.every((address) => address === '0.0.0.0' || address === '::');
}

export function sinkholeProblem(host: string): ProbeResult {
  return stopped('dns', `${host} resolves to nowhere; a DNS filter at this site blocks it`);
}

/** @param code the error of connect(2) as node names it, or `timeout` */
export function tcpProblem(peer: string, code: string): ProbeResult {
  switch (code) {
    case 'ECONNREFUSED':
      return stopped('tcp', `${peer} refuses the connection; nothing listens there or a firewall rejects it`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return stopped('tcp', `there is no route to ${peer}; check the gateway`);
    case 'timeout':
    case 'ETIMEDOUT':
      return stopped('tcp', `${peer} does not answer; a firewall on the way may drop the connection`);
    default:
      return stopped('tcp', `cannot connect to ${peer} (${code})`);
  }
}

/** Codes of OpenSSL's certificate check (X509_V_ERR_*) that a wrong clock at this end causes as well. */
const CLOCK_CODES = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
/** Codes that an inspecting proxy causes: its own authority is not known here. */
const AUTHORITY_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** @param code of the TLS library, or `timeout`, or ECONNRESET when the peer hung up during the handshake */
export function tlsProblem(host: string, code: string): ProbeResult {
  if (CLOCK_CODES.has(code)) {
    return stopped(
      'tls',
      `the certificate of ${host} is not valid at this time (${code}); is the clock right?`,
    );
  }
  if (AUTHORITY_CODES.has(code)) {
    return stopped(
      'tls',
      `the certificate of ${host} is signed by nobody we know (${code}); an inspecting proxy?`,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return stopped('tls', `the certificate is not for ${host} (${code}); is the address right?`);
  }
  if (code === 'timeout')
    return stopped('tls', `${host} accepts the connection but no TLS handshake answers`);
  return stopped('tls', `no TLS handshake with ${host} (${code}); is it an HTTPS server?`);
}

/** @param status of the answer to `GET /health`, or the error's words when none came */
export function healthResult(host: string, status: number | string): ProbeResult {
  if (status === 200)
    return { reachable: true, failingStage: null, message: `${host} answers and is healthy` };
  if (typeof status === 'string')
    return stopped('health', `${host} gave no answer to GET /health (${status})`);
  if (status >= 300 && status < 400) {
    return stopped('health', `${host} redirects GET /health (${status}); a captive portal?`);
  }
  if (status >= 500)
    return stopped('health', `${host} is there but not healthy (GET /health answers ${status})`);
  return stopped('health', `${host} does not know GET /health (${status}); is it the coordinator?`);
}
