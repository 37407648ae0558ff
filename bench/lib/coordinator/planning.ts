import type { Appliance } from '../../../coordinator/rollouts/appliance.ts';
import { parseDefinition } from '../../../coordinator/rollouts/definition.ts';
import { executePlan } from '../../../coordinator/rollouts/effects.ts';
import { INITIAL_INTENT } from '../../../coordinator/rollouts/intent.ts';
import type { Plan } from '../../../coordinator/rollouts/plan.ts';
import { planRollout } from '../../../coordinator/rollouts/planner.ts';
import type { Scene } from '../../../coordinator/rollouts/scene.ts';
import { isVersion } from '../../../coordinator/rollouts/version.ts';

/** What it costs to plan one rollout over a whole fleet: the planner alone, no database. Times are of the processor. */
export interface PlanningFigures {
  appliances: number;
  /** The cohort is taken and the first stage opened. */
  first_ms: number;
  /** Nothing has happened since. */
  quiet_ms: number;
  /** The outcomes of the first stage come in. */
  outcomes_ms: number;
  /** The last stage opens: everybody left gets a place, a thousand an order. */
  last_stage_ms: number;
  /** An operator wants everyone back. */
  revert_ms: number;
  /** Of the first plan's effects: database rows to be written. */
  first_effects: number;
  /** Of the process behind all of it. */
  resident_bytes: number;
}

const START_MS = Date.parse('2026-11-23T10:00:00Z');
const HOUR_MS = 3_600_000;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC'];

/** @param appliances size of the fleet; nine of ten match the cohort, one in twenty is silent */
export function measurePlanning(appliances: number): PlanningFigures {
  const definition = parseDefinition('bench', {
    version: '1.4.0',
    channel: 'stable',
    compatible: ['hp-t640'],
    cohort: 'tag.site in ["berlin", "ulm", "kyoto"] and not tag.ring eq "frozen" and fact.memory_gib gt 2',
    joining: 'open',
    stages: [{ percent: 5 }, { percent: 100 }],
    floors: ['1.2.0', '1.3.0'],
    parallel_max: appliances,
    soak_ms: HOUR_MS,
  });
  const fleet = makeFleet(appliances);
  const running = { ...INITIAL_INTENT, wish: 'running' as const };
  let scene: Scene = { definition, intent: running, fleet, at_ms: START_MS };
  let parent: Plan | null = null;
  let number = 0;
  const timed = () => {
    const begin = process.cpuUsage();
    const plan = planRollout(`plan-${++number}`, scene, parent);
    const { user, system } = process.cpuUsage(begin);
    const took_ms = (user + system) / 1000;
    const execution = executePlan(plan, parent?.id ?? null);
    if (execution.outcome === 'apply') parent = plan;
    return { plan, took_ms, effects: execution.outcome === 'apply' ? execution.effects.length : 0 };
  };
  const pass = (change: Partial<Scene>) => {
    scene = { ...scene, at_ms: scene.at_ms + HOUR_MS, ...change };
  };

  const first = timed();
  pass({});
  const quiet = timed();
  pass({ fleet: updated(fleet, first.plan) });
  const outcomes = timed();
  pass({ definition: { ...definition, parallel_max: 1000 } });
  const last = timed();
  pass({ intent: { ...running, wish: 'roll_back' }, definition: { ...definition, parallel_max: 1000 } });
  const revert = timed();
  const opened = last.plan.stages.map(({ state }) => state).join();
  if (opened !== 'done,running') throw new Error(`the bench did not reach the last stage: ${opened}`);
  return {
    appliances,
    first_ms: first.took_ms,
    quiet_ms: quiet.took_ms,
    outcomes_ms: outcomes.took_ms,
    last_stage_ms: last.took_ms,
    revert_ms: revert.took_ms,
    first_effects: first.effects,
    resident_bytes: process.memoryUsage.rss(),
  };
}

function makeFleet(count: number): Map<string, Appliance> {
  const [version] = ['1.3.0'].filter(isVersion);
  if (version === undefined) throw new Error('no version to begin with');
  const fleet = new Map<string, Appliance>();
  for (let index = 0; index < count; index += 1) {
    const id = `appliance-${index.toString(36)}`;
    const zone = ZONES[index % ZONES.length] ?? 'UTC';
    fleet.set(id, {
      id,
      version,
      hardware: 'hp-t640',
      tags: {
        site: ['berlin', 'ulm', 'kyoto'][index % 3] ?? 'ulm',
        ring: index % 10 === 0 ? 'frozen' : 'early',
      },
      facts: { memory_gib: 4 + (index % 3) * 4, interfaces: ['enp1s0'] },
      committed: true,
      presence: index % 20 === 7 ? 'offline' : 'online',
      last_heard_ms: START_MS,
      rejected: [],
      free: true,
      policy: { kind: 'manual' },
      window: index % 4 === 0 ? { start: '00:00', end: '00:00', days: ['mon'], zone } : null,
      order: null,
    });
  }
  return fleet;
}

/** The fleet when everyone that was given an order has carried it out. */
function updated(fleet: ReadonlyMap<string, Appliance>, { orders }: Plan): Map<string, Appliance> {
  const after = new Map(fleet);
  for (const { id, appliance, to } of orders) {
    const known = fleet.get(appliance);
    const order = { id, fate: 'handed_out', state: 'succeeded' } as const;
    if (known) after.set(appliance, { ...known, version: to, order });
  }
  return after;
}
