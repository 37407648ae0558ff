import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  dnsProblem,
  healthResult,
  isSinkhole,
  type LinkState,
  linkProblem,
  type ProbeResult,
  sinkholeProblem,
  tcpProblem,
  tlsProblem,
} from './classify.ts';
import {
  ADDRESSES_TRIED_MAX,
  DNS_TIMEOUT_MS,
  HEALTH_ANSWER_MAX_BYTES,
  HEALTH_TIMEOUT_MS,
  TCP_TIMEOUT_MS,
  TLS_TIMEOUT_MS,
} from './limits.ts';

/** Deadlines of the stages in milliseconds; shorter ones make tests fast. */
export interface StageTimeouts {
  dns_ms: number;
  tcp_ms: number;
  tls_ms: number;
  health_ms: number;
}

export interface ProbeOptions {
  /** State of the own network; asked anew for every probe. */
  link: () => LinkState;
  /** PEM of the authority the coordinator's certificate must come from; the system's when absent. */
  ca_pem?: string;
  timeouts?: Partial<StageTimeouts>;
  /** Ends the probe early (the agent shuts down); it then rejects. */
  signal?: AbortSignal;
}

const TIMEOUTS: StageTimeouts = {
  dns_ms: DNS_TIMEOUT_MS,
  tcp_ms: TCP_TIMEOUT_MS,
  tls_ms: TLS_TIMEOUT_MS,
  health_ms: HEALTH_TIMEOUT_MS,
};

/**
 * Walks towards the coordinator stage by stage and says where it stops. Each stage has its own deadline, because "fetch
 * failed" tells a technician nothing (LESSONS 21). Nothing is sent but `GET /health`; no credential is used.
 *
 * @param url base URL, http or https
 * @throws only what `signal` was aborted with
 */
export async function probeCoordinator(url: URL, options: ProbeOptions): Promise<ProbeResult> {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);

  // A coordinator on this machine (a workstation, a test) needs no cable.
  const problem = isLoopback(host) ? null : linkProblem(options.link());
  if (problem) return problem;

  const addresses = await resolve(host, timeouts.dns_ms);
  options.signal?.throwIfAborted();
  if (!Array.isArray(addresses)) return addresses;

  const connected = await connectFirst(addresses, port, timeouts.tcp_ms);
  options.signal?.throwIfAborted();
  if ('failingStage' in connected) return connected;

  if (url.protocol === 'https:') {
    const code = await shakeHands(connected, host, options.ca_pem, timeouts.tls_ms);
    options.signal?.throwIfAborted();
    if (code !== null) return tlsProblem(host, code);
  } else {
    connected.destroy();
  }
  return healthResult(host, await askHealth(url, options, timeouts.health_ms));
}

async function resolve(host: string, timeout_ms: number): Promise<string[] | ProbeResult> {
  if (isIP(host)) return [host];
  try {
    const found = await withDeadline(lookup(host, { all: true }), timeout_ms);
    const addresses = found.map(({ address }) => address);
    if (addresses.length === 0) return dnsProblem(host, 'ENOTFOUND');
    return isSinkhole(addresses) ? sinkholeProblem(host) : addresses.slice(0, ADDRESSES_TRIED_MAX);
  } catch (error) {
    return dnsProblem(host, errorCode(error).replace(/^DNS_/, ''));
  }
}

/** Connects to the first address that answers; the problem of the first one when none does. */
async function connectFirst(
  addresses: readonly string[],
  port: number,
  timeout_ms: number,
): Promise<Socket | ProbeResult> {
  let first: ProbeResult | null = null;
  for (const address of addresses) {
    const peer = `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
    const socket = connectTcp({ host: address, port });
    try {
      await withDeadline(settled(socket, 'connect'), timeout_ms);
      return socket;
    } catch (error) {
      socket.destroy();
      first ??= tcpProblem(peer, errorCode(error));
    }
  }
  return first ?? tcpProblem(`port ${port}`, 'no address');
}

/** Null when the certificate is good; the code of what is wrong otherwise. Closes the connection. */
async function shakeHands(
  socket: Socket,
  host: string,
  ca_pem: string | undefined,
  timeout_ms: number,
): Promise<string | null> {
  const secure = connectTls({
    socket,
    // RFC 6066 forbids addresses as server name.
    ...(isIP(host) ? { host } : { host, servername: host }),
    ...(ca_pem === undefined ? {} : { ca: ca_pem }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
  try {
    await withDeadline(settled(secure, 'secureConnect'), timeout_ms);
    return null;
  } catch (error) {
    return errorCode(error);
  } finally {
    secure.destroy();
    socket.destroy();
  }
}

/** The status of `GET /health`, or what went wrong in words. */
async function askHealth(url: URL, options: ProbeOptions, timeout_ms: number): Promise<number | string> {
  const deadline = AbortSignal.timeout(timeout_ms);
  // Only origin and path: what else a URL may carry (user, password, query) has no business in an unauthenticated request.
  const target = new URL(`${url.origin}${url.pathname.replace(/\/$/, '')}/health`);
  try {
    const response = await fetch(target, {
      // A redirect is an answer too: that of a captive portal.
      redirect: 'manual',
      signal: options.signal ? AbortSignal.any([deadline, options.signal]) : deadline,
      // A kept connection would hide that new ones fail.
      keepalive: false,
      ...(options.ca_pem === undefined ? {} : { tls: { ca: options.ca_pem } }),
    });
    await drain(response);
    return response.status;
  } catch (error) {
    options.signal?.throwIfAborted();
    return deadline.aborted ? `nothing within ${timeout_ms} ms` : errorCode(error);
  }
}

/** Reads a bounded part of the answer: an answer without end must neither fill memory nor keep the connection. */
async function drain(response: Response): Promise<void> {
  if (!response.body) return;
  const reader = response.body.getReader();
  let got_bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    got_bytes += value.length;
    if (got_bytes > HEALTH_ANSWER_MAX_BYTES) return reader.cancel();
  }
}

function settled(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    // Kept for good: a late error of a destroyed socket without a listener would end the process.
    socket.on('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  });
}

async function withDeadline<T>(work: Promise<T>, timeout_ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('too late'), { code: 'timeout' })), timeout_ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // The loser may still fail later; that must not count as unhandled.
    work.catch(() => {});
  }
}

function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\./.test(host);
}
