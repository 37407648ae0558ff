import type { Appliance } from '../appliance.ts';
import { parseDefinition } from '../definition.ts';
import type { Plan } from '../plan.ts';
import { parseVersion, type Version } from '../version.ts';
import { Box } from './boxes.ts';
import { Rehearsal } from './rehearsal.ts';

export const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-23T10:00:00Z');

/** A version in a test. */
export const v = (text: string): Version => {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(`${text} is no version`);
  return version;
};

/** An appliance that is ready for anything, but for what is changed. */
export function box(id: string, change: Partial<Appliance> = {}): Box {
  return new Box({
    id,
    version: v('1.0.0'),
    hardware: 'hp-t640',
    tags: {},
    facts: {},
    committed: true,
    presence: 'online',
    last_heard_ms: START_MS,
    rejected: [],
    free: true,
    policy: { kind: 'manual' },
    window: null,
    ...change,
  });
}

/** An approved rollout of 1.1.0 to everybody in one stage, but for what is asked otherwise. */
export function rehearse(request: object, boxes: Box[]): Rehearsal {
  const definition = parseDefinition('spring', {
    version: '1.1.0',
    channel: 'stable',
    compatible: ['hp-t640'],
    cohort: 'all',
    stages: [{ percent: 100 }],
    soak_ms: HOUR_MS,
    ...request,
  });
  const rehearsal = new Rehearsal(definition, boxes, START_MS);
  rehearsal.act('approve');
  return rehearsal;
}

export const fleet = (count: number) => Array.from({ length: count }, (_, index) => box(`box-${index}`));

/** Everyone who has an order fetches it and ends it. */
export function finishAll(rehearsal: Rehearsal, outcome: 'succeed' | 'fail' | 'roll_back' = 'succeed'): void {
  for (const one of rehearsal.boxes.values()) {
    one.poll();
    one.finish(outcome, rehearsal.now_ms);
  }
}

/** Time passes, everybody who is online is heard of, and the next plan is made. */
export function pass(rehearsal: Rehearsal, hours: number) {
  rehearsal.now_ms += hours * HOUR_MS;
  for (const one of rehearsal.boxes.values())
    if (one.known.presence === 'online') one.speak(rehearsal.now_ms);
  return rehearsal.step();
}

/** Why somebody was skipped, by appliance. */
export const codes = (plan: Plan) =>
  Object.fromEntries(plan.skipped.map(({ appliance, code }) => [appliance, code]));
