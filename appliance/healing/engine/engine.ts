import { randomBytes } from 'node:crypto';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import type { Rule } from '../../../protocol/healing/rule.ts';
import type { EvidenceLog } from '../../evidence/entry.ts';
import type { Detection, Receipt } from '../../findings/detection.ts';
import type { Findings } from '../../findings/findings.ts';
import type { SiteStore } from '../../site/store/store.ts';
import {
  type Decision,
  decide,
  flapWindow_s,
  type HealingMode,
  type SubjectFacts,
} from '../decide/decide.ts';
import { EVENTS_LOOKED_AT, RUNNING_MAX, SWEEP_INTERVAL_MS } from '../limits.ts';
import type { OpenedTarget } from '../target.ts';
import type { Healing } from './healing-record.ts';
import { HealingJournal, type NewHealing } from './journal.ts';
import { limitFinding } from './limit-finding.ts';
import { type PerformParts, perform, refuse, tellEnd } from './perform.ts';
import { openStops, type Stops } from './stops.ts';

export interface EngineParts {
  store: SiteStore;
  findings: Pick<Findings, 'record' | 'settle' | 'open' | 'find' | 'events' | 'onDetection'>;
  evidence: EvidenceLog;
  rules: () => readonly Rule[];
  mode: () => HealingMode;
  /** null: nobody knows it. */
  subject: (id: string) => SubjectFacts | null;
  /** @throws when the machine cannot be reached */
  open: (healing: Healing) => Promise<OpenedTarget>;
  now_s: () => number;
  warn: (message: string) => void;
  note: (message: string) => void;
}

export interface HealingEngine {
  readonly journal: HealingJournal;
  readonly stops: Stops;
  /** Healings that this process is at. */
  running(): number;
  /** Decides about a detection, and does what was decided. Resolves when that is over; never rejects. */
  consider(detection: Detection, transition: Receipt['transition']): Promise<Decision | null>;
  /** An operator's own healing: beside rules, cooldown and limits, never beside the switch or the tier. @returns when it is begun */
  begin(healing: Omit<NewHealing, 'id' | 'detected_s'>): Promise<Healing>;
  /** An operator lets healing go on at a check. @returns false: it was not stopped */
  reset(subject: string, check_type: string): Promise<boolean>;
  /** Goes through what is open: second attempts, what a process before this one left, ends that are not on record. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** Heals what is detected: decides by `decide`, does by `perform`, and leaves the rest to the next look. */
export function startEngine(parts: EngineParts): HealingEngine {
  const { findings, now_s, warn, note, store } = parts;
  const journal = new HealingJournal(store);
  const stops = openStops(store);
  const ended = new AbortController();
  /** Checks that somebody is deciding about or working on, and what they are waiting for. */
  const busy = new Map<string, Promise<unknown>>();
  const performing: PerformParts = { journal, ...parts, stopped: ended.signal };

  const carryOut = async (healing: Healing): Promise<void> => {
    const over = await perform(healing, performing);
    if (over === null) return;
    const { id, state, reason, subject, check_type } = over;
    note(`healing ${id}: ${subject} ${check_type} is ${state}: ${reason ?? ''}`);
    // What an operator has ordered once says nothing about a rule.
    if (state === 'gave_up' && over.asked_by === null)
      await halt(over.seen, over.rule_id, 'gave_up', over.quiet_s);
    await tellEnd(over, performing);
  };

  const halt = async (
    detection: Detection,
    rule_id: string,
    why: 'flapping' | 'gave_up',
    quiet_s: number,
  ) => {
    await stops.put(detection, rule_id, { why, now_s: now_s(), quiet_s });
    await findings.record([limitFinding(detection, rule_id, why, now_s())]);
  };

  const lift = async (detection: Detection, by: 'operator' | 'quiet'): Promise<boolean> => {
    const lifted = await stops.lift(detection.subject, detection.check_type, by, now_s());
    if (lifted) await findings.record([limitFinding(detection, '', null, now_s())]);
    return lifted;
  };

  const decideAbout = (detection: Detection, opened: boolean): Decision => {
    const { subject, check_type } = detection;
    return decide({
      ...{ detection, opened, rules: parts.rules(), subject: parts.subject(subject), mode: parts.mode() },
      ...{
        history: journal.history(subject, check_type),
        stop: stops.find(subject, check_type),
        now_s: now_s(),
      },
    });
  };

  const actOn = async (detection: Detection, opened: boolean): Promise<Decision> => {
    const decision = decideAbout(detection, opened);
    if (decision.do === 'nothing') return decision;
    if (decision.do === 'stop') {
      await halt(detection, decision.rule.id, decision.why, decision.quiet_s);
      return decision;
    }
    if (decision.lifts_stop) await lift(detection, 'quiet');
    const { rule, action, params, attempt, last } = decision.plan;
    const healing = await journal.add({
      ...{ id: newId(), rule_id: rule.id, action, params, attempt, last, asked_by: null, seen: detection },
      ...{ settle_s: rule.settle_s, quiet_s: flapWindow_s(rule), dry_run: decision.do === 'dry_run' },
      ...{ finding_id: findingOf(detection), detected_s: now_s() },
    });
    if (decision.do === 'heal') await carryOut(healing);
    else await refuse(healing, 'dry run: nothing was done', performing);
    return decision;
  };

  const findingOf = ({ subject, check_type }: Detection): string | null =>
    findings.find({ subject, check_type, state: 'open', limit: 1 })[0]?.id ?? null;

  /** One at a time for each check of each machine; who comes meanwhile is left to the next sweep. */
  const alone = async <T>(key: string, work: () => Promise<T>): Promise<T | null> => {
    if (ended.signal.aborted || busy.has(key) || busy.size >= RUNNING_MAX) return null;
    const working = work();
    busy.set(key, working);
    try {
      return await working;
    } catch (error) {
      if (!ended.signal.aborted) warn(`healing of ${key} is left to the next look: ${describeError(error)}`);
      return null;
    } finally {
      busy.delete(key);
    }
  };

  const engine: HealingEngine = {
    ...{ journal, stops, running: () => busy.size },
    consider: (detection, transition) =>
      alone(keyOf(detection), () => actOn(detection, transition === 'opened')),
    async begin(healing) {
      const key = keyOf(healing.seen);
      if (busy.has(key) || journal.history(healing.seen.subject, healing.seen.check_type).some(isOpen))
        throw new BulkheadError('HEALING_BUSY', `a healing of ${key} is under way`, {
          hint: 'bulkhead healing history',
        });
      const begun = Promise.withResolvers<Healing>();
      const working = alone(key, async () => {
        try {
          const added = await journal.add({ ...healing, id: newId(), detected_s: now_s() });
          begun.resolve(added);
          await carryOut(added);
        } catch (error) {
          begun.reject(error);
          throw error;
        }
      });
      // Nothing but a process that is at its limit, or ends, has not even begun.
      void working.then(() =>
        begun.reject(new BulkheadError('HEALING_BUSY', 'too many healings are under way')),
      );
      return begun.promise;
    },
    async reset(subject, check_type) {
      const stop = stops.find(subject, check_type);
      return stop !== null && stop.lifted_s === null && lift(detectionOf(stop, now_s()), 'operator');
    },
    async sweep() {
      // Ends first: while they cannot be put on record nothing else could be.
      for (const healing of journal.untold())
        if (!busy.has(keyOf(healing))) await tellEnd(healing, performing);
      for (const healing of journal.unfinished()) void alone(keyOf(healing), () => goOn(healing));
      const checks = new Set(parts.rules().map(({ check_type }) => check_type));
      if (parts.mode() === 'off') return;
      for (const { subject, check_type } of findings.open()) {
        if (!checks.has(check_type) || busy.has(`${subject} ${check_type}`)) continue;
        const events = findings.events({ subject, check_type, limit: EVENTS_LOOKED_AT });
        const failing = events.find(({ passed }) => !passed);
        if (failing) void engine.consider(failing, 'still_open');
      }
    },
    async stop() {
      unsubscribe();
      clearInterval(timer);
      ended.abort();
      await Promise.allSettled(busy.values());
    },
  };

  /** What a process before this one, or a full disk, has left. */
  const goOn = async (healing: Healing): Promise<void> => {
    const fresh = journal.find(healing.id);
    if (!fresh || !isOpen(fresh)) return;
    if (fresh.state === 'detected')
      await tellEnd(
        await refuse(fresh, 'the process ended before anything was done', performing),
        performing,
      );
    else await carryOut(fresh);
  };

  const unsubscribe = findings.onDetection((detection, { transition }) => {
    void stops.saw(detection, transition, now_s()).catch((error) => warn(describeError(error)));
    // Most of what comes in has passed, or is of no rule.
    if (detection.passed || parts.mode() === 'off') return;
    if (parts.rules().some(({ check_type }) => check_type === detection.check_type))
      void engine.consider(detection, transition);
  });
  const sweep = () => {
    engine.sweep().catch((error) => warn(`open findings are gone through later: ${describeError(error)}`));
  };
  const timer = setInterval(sweep, SWEEP_INTERVAL_MS);
  sweep();
  return engine;
}

function isOpen({ ended_s }: { ended_s: number | null }): boolean {
  return ended_s === null;
}

function keyOf({ subject, check_type }: { subject: string; check_type: string }): string {
  return `${subject} ${check_type}`;
}

function newId(): string {
  return `h-${randomBytes(16).toString('hex')}`;
}

function detectionOf(
  { subject, hostname, check_type }: { subject: string; hostname: string; check_type: string },
  at_s: number,
): Detection {
  const looked = { passed: false, expected: '', actual: '', control: null, severity: 'info', at_s } as const;
  return { subject, hostname, check_type, ...looked, metadata: {} };
}
