import { describeError } from '../../../base/errors.ts';
import type { Detection } from '../../findings/detection.ts';
import { LOOK_TIMEOUT_MS, TARGETS_AT_ONCE_MAX } from './limits.ts';
import { detectionsOf, type LookResult } from './look-result.ts';
import type { DeclaredTarget } from './open-targets.ts';

export interface PollerDeps {
  targets: readonly DeclaredTarget[];
  /** Where detections go; resolves when they are on the disk. */
  record(detections: readonly Detection[]): Promise<unknown>;
  now: () => Date;
  /** 0 to 1: spreads the first looks, so that a start does not log in everywhere at once. */
  random: () => number;
  onFault: (words: string) => void;
}

/** How it stands with a machine. */
export interface TargetStatus {
  name: string;
  address: string;
  platform: string;
  way: string;
  tier: string;
  /** RFC 3339; null before the first look has ended. */
  looked_at: string | null;
  reachable: boolean | null;
  /** Names of checks that did not pass. */
  failing: string[];
  interval_s: number;
}

export interface TargetPoller {
  status(): TargetStatus[];
  /** Ends what is under way; resolves when no session is left. */
  stop(): Promise<void>;
}

/**
 * Looks at every declared machine at its interval: one look at a time for each, some machines at once. Never throws: what goes wrong is
 * a detection, and what cannot be recorded is told and found again at the next look.
 */
export function startPoller(deps: PollerDeps): TargetPoller {
  const { targets, record, now, random, onFault } = deps;
  const stopping = new AbortController();
  const places = createPlaces(TARGETS_AT_ONCE_MAX);
  const last = new Map<string, { looked_at: string; reachable: boolean; failing: string[] }>();

  async function look({ config, target }: DeclaredTarget): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
    const result = await target.detectAll(signal).then(
      (looks): LookResult => ({ looks, error: null }),
      (error: unknown): LookResult => ({ looks: null, error }),
    );
    // A look that we ended says nothing about the machine.
    if (stopping.signal.aborted) return;
    const detections = detectionsOf(config, result, now);
    const failing = detections.filter(({ passed }) => !passed).map(({ check_type }) => check_type);
    last.set(config.name, { looked_at: now().toISOString(), reachable: result.looks !== null, failing });
    await record(detections).catch((error: unknown) =>
      onFault(`what was found on ${config.name} is not recorded: ${describeError(error)}`),
    );
  }

  async function watch(declared: DeclaredTarget): Promise<void> {
    const interval_ms = declared.config.interval_s * 1000;
    await sleep(interval_ms * random() * FIRST_LOOK_SPREAD, stopping.signal);
    while (!stopping.signal.aborted) {
      const began = performance.now();
      await places.within(stopping.signal, () => look(declared));
      await sleep(Math.max(0, interval_ms - (performance.now() - began)), stopping.signal);
    }
  }

  const watching = targets.map((declared) => watch(declared));
  return {
    status: () =>
      targets.map(({ config: { name, address, platform, way, tier, interval_s } }) => ({
        ...{ name, address, platform, way, tier, interval_s },
        ...(last.get(name) ?? { looked_at: null, reachable: null, failing: [] }),
      })),
    async stop() {
      stopping.abort(new Error('the service stops'));
      await Promise.all(targets.map(({ target }) => target.close()));
      await Promise.all(watching);
    },
  };
}

/** The first looks come within this part of the interval: soon enough to be of use, not all in the same second. */
const FIRST_LOOK_SPREAD = 0.2;

/** Room for some at once; who comes later waits in line. */
function createPlaces(size: number) {
  let free = size;
  const line: (() => void)[] = [];
  return {
    async within(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => line.push(resolve));
      try {
        if (!signal.aborted) await work();
      } finally {
        const next = line.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}

/** Ends early, and quietly, when the signal says so. */
async function sleep(duration_ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(() => done.resolve(), duration_ms);
  const end = () => done.resolve();
  signal.addEventListener('abort', end, { once: true });
  await done.promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}
