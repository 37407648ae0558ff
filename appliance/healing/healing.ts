import type { AnyElysia } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { HEAL_ANSWER_FILE, HEAL_REQUEST_FILE } from '../../base/paths.ts';
import type { EvidenceLog } from '../evidence/entry.ts';
import type { Detection } from '../findings/detection.ts';
import type { Findings } from '../findings/findings.ts';
import type { SensorCommands } from '../sensors/commands/commands.ts';
import type { Sensor } from '../sensors/registry/sensor.ts';
import type { SiteStore } from '../site/store/store.ts';
import { healingControl } from './control.ts';
import type { HealingMode, SubjectFacts } from './decide/decide.ts';
import { type HealingEngine, startEngine } from './engine/engine.ts';
import type { Healing } from './engine/healing-record.ts';
import { type HealingSwitch, openSwitch } from './engine/switch.ts';
import { ACTIVE_TARGETS_MAX } from './limits.ts';
import { keepRules, type RuleKeeper } from './rules/keep.ts';
import type { HealingTarget, OpenedTarget } from './target.ts';
import { applianceTarget } from './targets/appliance/appliance-target.ts';
import { askedTarget, Turns } from './targets/asked-target.ts';
import { sensorFacts, sensorTarget } from './targets/sensors/sensor-target.ts';

const APPLIANCE_SUBJECT = 'appliance';

export interface HealingParts {
  /** Its tables (HEALING_PART) have been handed to it. */
  store: SiteStore;
  findings: Findings;
  evidence: EvidenceLog;
  /** `healing.mode` of the configuration. */
  configured: HealingMode;
  sensors: {
    find(id: string): Sensor | null;
    list(): readonly Sensor[];
    commands: SensorCommands;
  };
  /** Machines without a sensor; null: nobody knows this one. */
  machine: (subject: string) => { facts: SubjectFacts; target: HealingTarget } | null;
  /** Looks at this appliance now. @throws where there is no such check */
  lookAtAppliance: (check_type: string, signal: AbortSignal) => Promise<Detection>;
  now: () => Date;
  warn: (message: string) => void;
  note: (message: string) => void;
  /** Instead of those of the appliance. */
  files?: { request: string; answer: string };
}

/** Healing as one part of the site's service. */
export interface HealingService {
  control: AnyElysia;
  stop(): Promise<void>;
}

/** What the routes and the orders of a coordinator work on. */
export interface HealingDoors {
  engine: HealingEngine;
  rules: RuleKeeper;
  mode: HealingSwitch;
  findings: Findings;
  sensors: HealingParts['sensors'];
  subject: (id: string) => SubjectFacts | null;
  look: (subject: string, check_type: string) => Promise<Detection>;
}

/** Starts healing: rules, switch, engine, and the ways to the machines. */
export function createHealing(parts: HealingParts): HealingService {
  const { store, evidence, findings, sensors, now, warn, note } = parts;
  const stopped = new AbortController();
  const rules = keepRules({ store, evidence, now, warn });
  const mode = openSwitch({ store, evidence, configured: parts.configured, now });
  const subject = (id: string) => factsOf(id, parts);
  const open = openTargets(parts, stopped.signal);
  const engine = startEngine({
    ...{ store, findings, evidence, rules: rules.effective, mode: () => mode.state().mode, subject, open },
    ...{ now_s: () => Math.floor(now().getTime() / 1000), warn, note },
  });
  const look = (id: string, check_type: string) => lookNow(id, check_type, parts);
  return {
    control: healingControl({ engine, rules, mode, findings, sensors, subject, look }),
    async stop() {
      stopped.abort();
      await engine.stop();
    },
  };
}

function factsOf(id: string, { sensors, machine, now }: HealingParts): SubjectFacts | null {
  if (id === APPLIANCE_SUBJECT) return { platform: 'appliance', tier: 'full_remediation', reachable: true };
  if (id.startsWith('s-')) return sensorFacts(sensors.find(id), now().getTime());
  return machine(id)?.facts ?? null;
}

/** One at a time for the appliance, whose request is one file; a few at a time for what is worked on from here; sensors come by themselves. */
function openTargets(parts: HealingParts, stopped: AbortSignal) {
  const { sensors, findings, machine, lookAtAppliance, now } = parts;
  const { request, answer } = parts.files ?? { request: HEAL_REQUEST_FILE, answer: HEAL_ANSWER_FILE };
  const turns = new Turns(ACTIVE_TARGETS_MAX);
  const own = new Turns(1);
  return async (healing: Healing): Promise<OpenedTarget> => {
    const { subject, id } = healing;
    if (subject === APPLIANCE_SUBJECT)
      return own.take(
        applianceTarget({ healing: id, requestFile: request, answerFile: answer, look: lookAtAppliance }),
        stopped,
      );
    if (!subject.startsWith('s-')) {
      const known = machine(subject);
      if (known) return turns.take(askedTarget(known.target), stopped);
      throw unknownSubject(subject);
    }
    const sensor = sensors.find(subject);
    const facts = sensorFacts(sensor, now().getTime());
    if (sensor === null || facts === null) throw unknownSubject(subject);
    return sensorTarget({ sensor, platform: facts.platform, healing, commands: sensors.commands, findings });
  };
}

/** What a machine says now; a sensor is not asked, what it said last counts. */
async function lookNow(id: string, check_type: string, parts: HealingParts): Promise<Detection> {
  const signal = AbortSignal.timeout(60_000);
  if (id === APPLIANCE_SUBJECT) return parts.lookAtAppliance(check_type, signal);
  const known = id.startsWith('s-') ? null : parts.machine(id);
  if (known) return known.target.detect(check_type, signal);
  const [latest] = parts.findings.events({ subject: id, check_type, limit: 1 });
  if (latest) return latest;
  throw new BulkheadError('HEALING_NEVER_LOOKED', `${id} has never said anything about '${check_type}'`);
}

function unknownSubject(subject: string): BulkheadError {
  return new BulkheadError('HEALING_SUBJECT_UNKNOWN', `nobody here is ${subject}`, {
    hint: 'bulkhead sensors list; machines without a sensor stand in the configuration under targets',
  });
}
