import { describeError } from '../../base/errors.ts';
import { type Fingerprint, fingerprintText } from '../../protocol/messages/fingerprint.ts';
import type { FingerprintChange, FingerprintSource } from '../link/interfaces.ts';
import { reasonOfChange, reasonOfStart } from './change-reason.ts';
import { LOOK_MS } from './limits.ts';
import { dueAt, type Unsettled } from './settle.ts';
import type { ReleaseMemory } from './told-release.ts';

export interface SourceOptions {
  /** Looks now; must not throw. Resolves once what takes a moment (the hash of the program) is known. */
  collector: Promise<() => Fingerprint>;
  memory: ReleaseMemory;
  /** Milliseconds that never go back. */
  now_ms: () => number;
  warn: (message: string) => void;
}

export interface RunningSource extends FingerprintSource {
  /** Look now: a file was written that may have changed something. */
  poke(): void;
  stop(): void;
}

/**
 * Keeps an eye on the machine while somebody listens. The first fingerprint is told as soon as there is one, with why this process
 * runs; a change when it has settled, and once. What is as before when it has settled is not told.
 */
export function createFingerprintSource({ collector, memory, now_ms, warn }: SourceOptions): RunningSource {
  const listeners = new Set<(change: FingerprintChange) => void>();
  let collect: (() => Fingerprint) | null = null;
  let told: Fingerprint | null = null;
  /** As it looked last. */
  let seen = '';
  let unsettled: Unsettled | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const tell = (fingerprint: Fingerprint, reason: FingerprintChange['reason']) => {
    told = fingerprint;
    unsettled = null;
    for (const listener of listeners) listener({ fingerprint, reason });
  };

  const tellFirst = (fingerprint: Fingerprint) => {
    const reason = reasonOfStart(memory.read(), fingerprint);
    tell(fingerprint, reason);
    try {
      // After it was told: a crash in between tells a deployment twice, never not at all.
      memory.write(fingerprint);
    } catch (error) {
      warn(`which release was told last cannot be kept: ${describeError(error)}`);
    }
  };

  const look = (fingerprint: Fingerprint) => {
    if (told === null) return tellFirst(fingerprint);
    const reason = reasonOfChange(told, fingerprint);
    const text = fingerprintText(fingerprint);
    const at_ms = now_ms();
    if (reason === null) unsettled = null;
    else if (text !== seen) unsettled = { first_ms: unsettled?.first_ms ?? at_ms, last_ms: at_ms };
    seen = text;
    if (reason !== null && unsettled !== null && at_ms >= dueAt(unsettled)) tell(fingerprint, reason);
  };

  const turn = () => {
    clearTimeout(timer);
    if (stopped || collect === null || listeners.size === 0) return;
    look(collect());
    const wait_ms = unsettled === null ? LOOK_MS : Math.min(LOOK_MS, dueAt(unsettled) - now_ms());
    timer = setTimeout(turn, Math.max(1, wait_ms));
  };

  const ready = collector.then((made) => {
    collect = made;
    turn();
    return made;
  });

  return {
    current: async () => (await ready)(),
    subscribe(listener) {
      listeners.add(listener);
      // Not before the subscriber has what this returns.
      queueMicrotask(turn);
      return () => listeners.delete(listener);
    },
    poke: turn,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
