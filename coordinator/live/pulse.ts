import { sql } from 'kysely';
import type { Coordinator } from '../context.ts';
import { TICK_MS } from './limits.ts';

/**
 * What a page may show, by what changes it:
 * `deeds` what people, tokens and enrolments did; `steps` of orders; `states` what appliances said has changed on them; `plans` of rollouts;
 * `alarms`; `time` how long ago something was, and who is still there.
 */
export const CONCERNS = ['deeds', 'steps', 'states', 'plans', 'alarms', 'time'] as const;
export type Concern = (typeof CONCERNS)[number];

/** The same text: nothing of that kind has happened in between. */
export type Pulse = Readonly<Record<Concern, string>>;

/**
 * One look at whether anything is new, for the price of a few rows whatever the size of the fleet. Whoever wrote it, at whichever
 * coordinator on the database.
 */
export async function readPulse({
  database,
  now_ms,
}: Pick<Coordinator, 'database' | 'now_ms'>): Promise<Pulse> {
  const newest = sql<string | null>`max(id)`.as('newest');
  const { deeds, steps, states, plans, alarms, open } = await database
    .selectNoFrom((select) => [
      select.selectFrom('audit_heads').select(sql<number>`max(sequence)`.as('n')).as('deeds'),
      select.selectFrom('order_events').select(newest).as('steps'),
      select.selectFrom('state_changes').select(newest).as('states'),
      select.selectFrom('rollout_plans').select(newest).as('plans'),
      select.selectFrom('alarms').select(newest).as('alarms'),
      select
        .selectFrom('alarms')
        .select(sql<number>`count(*)`.as('n'))
        .where('closed_ms', 'is', null)
        .as('open'),
    ])
    .executeTakeFirstOrThrow();
  return {
    ...{ deeds: String(deeds), steps: String(steps), states: String(states), plans: String(plans) },
    ...{ alarms: `${alarms} ${open}`, time: String(Math.floor(now_ms() / TICK_MS)) },
  };
}

/** What has happened between two looks. */
export function newConcerns(before: Pulse, after: Pulse): Concern[] {
  return CONCERNS.filter((concern) => before[concern] !== after[concern]);
}
