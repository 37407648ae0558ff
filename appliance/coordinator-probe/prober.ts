import type { CoordinatorStatus } from '../../status-page/status.ts';
import type { ProbeResult } from './classify.ts';
import { KICK_PAUSE_MS } from './limits.ts';
import { nextProbeDelay } from './schedule.ts';

/** What the check of the way knows; how the appliance stands with whoever is there is for the link to say. */
export type WayStatus = Omit<CoordinatorStatus, 'link'>;

export interface ProberOptions {
  /** Base URL as configured; null when there is no coordinator yet. */
  url: string | null;
  /** Milliseconds between probes while the coordinator answers. */
  interval_ms: number;
  /** One probe, `probeCoordinator` with its options filled in. */
  probe: (url: URL, signal: AbortSignal) => Promise<ProbeResult>;
  now: () => Date;
  random: () => number;
  /** Told after every probe. */
  onChange: (status: WayStatus) => void;
}

export interface Prober {
  status(): WayStatus;
  /** Probes now and then for ever. Does nothing without a valid URL. */
  start(): void;
  /** Probes soon, whatever the schedule says: the cable is back, the address changed. */
  kick(): void;
  stop(): void;
}

/** Keeps asking whether the coordinator can be reached. Gives up never; slows down (schedule.ts). */
export function createProber(options: ProberOptions): Prober {
  const url = parseUrl(options.url);
  let status = initialStatus(options.url, url);
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let probing = false;
  const stopping = new AbortController();

  const plan = (delay_ms: number) => {
    clearTimeout(timer);
    if (!stopping.signal.aborted) timer = setTimeout(() => void round(), delay_ms);
  };

  const round = async () => {
    if (url === null || probing || stopping.signal.aborted) return;
    probing = true;
    const result = await options.probe(url, stopping.signal).catch(asResult);
    probing = false;
    if (stopping.signal.aborted) return;
    failures = result.reachable ? 0 : failures + 1;
    status = { configured: true, url: shownUrl(url), ...result, checkedAt: options.now().toISOString() };
    plan(nextProbeDelay(options.interval_ms, failures, options.random()));
    options.onChange(status);
  };

  return {
    status: () => status,
    start: () => void round(),
    kick: () => {
      if (url !== null) plan(KICK_PAUSE_MS);
    },
    stop: () => {
      stopping.abort(new Error('the agent stops'));
      clearTimeout(timer);
    },
  };
}

function initialStatus(configured: string | null, url: URL | null): WayStatus {
  const nothing = { reachable: null, failingStage: null, checkedAt: null };
  if (configured === null) return { configured: false, url: null, ...nothing, message: 'not configured' };
  // The text itself is not repeated: what is no URL may be anything, a pasted secret among it.
  if (url === null)
    return {
      configured: true,
      url: null,
      ...nothing,
      message: 'the configured address is no http or https URL',
    };
  return { configured: true, url: shownUrl(url), ...nothing, message: 'not checked yet' };
}

function parseUrl(text: string | null): URL | null {
  const url = text === null ? null : URL.parse(text);
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url : null;
}

/** The URL as an open page may show it: no user, no password, no query. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname === '/' ? '' : url.pathname}`;
}

/** A probe that itself fails is a fault of this program; the page must say that rather than stay at its last word. */
function asResult(error: unknown): ProbeResult {
  const words = error instanceof Error ? error.message : String(error);
  return { reachable: false, failingStage: null, message: `the check itself failed: ${words}` };
}
