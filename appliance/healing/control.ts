import { Type as t } from '@sinclair/typebox';
import { Elysia, t as elysia } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import { HEALING_MODES } from './decide/decide.ts';
import type { HealingState } from './decide/states.ts';
import type { Healing } from './engine/healing-record.ts';
import type { StoppedCheck } from './engine/stops.ts';
import type { SwitchState } from './engine/switch.ts';
import type { HealingDoors } from './healing.ts';
import { HISTORY_LIMIT_MAX } from './limits.ts';
import { orderHealing } from './order-heal.ts';
import type { KnownRule, RulesState } from './rules/keep.ts';

/** What `bulkhead healing status` and the page show. */
export interface HealingStatus {
  switch: SwitchState;
  rules: RulesState & { used: number };
  /** Checks that healing has stopped at. */
  stopped: StoppedCheck[];
  running: number;
  counts: Record<HealingState, number>;
}

export interface ShownRules {
  state: RulesState;
  rules: KnownRule[];
}

const Name = t.String({ minLength: 1, maxLength: 256 });
const Check = t.String({ pattern: '^[a-z0-9_.-]{1,64}$' });

/** The routes of healing on the control socket. */
export function healingControl(doors: HealingDoors) {
  const { engine, rules, mode } = doors;
  return new Elysia({ name: 'healing', prefix: '/v1/healing' })
    .get('/', (): HealingStatus => {
      const used = rules.effective().filter(({ enabled }) => enabled).length;
      return {
        ...{ switch: mode.state(), rules: { ...rules.state(), used }, stopped: engine.stops.standing() },
        ...{ running: engine.running(), counts: engine.journal.counts() },
      };
    })
    .get('/rules', (): ShownRules => ({ state: rules.state(), rules: rules.all() }))
    .put(
      '/rules',
      async ({ body }) => ({ changed: await rules.take(body.envelope, body.keys), ...rules.state() }),
      {
        body: t.Object({
          envelope: t.Unknown(),
          keys: t.Array(
            t.Object({
              key_id: t.String({ pattern: '^[0-9a-f]{32}$' }),
              public_key: t.String({ pattern: '^[0-9a-f]{64}$' }),
            }),
            { maxItems: 16 },
          ),
        }),
      },
    )
    .put('/mode', ({ body }) => mode.set(body.mode, body), {
      body: t.Object({ mode: OneOf(HEALING_MODES), reason: t.String({ maxLength: 500 }), by_whom: Name }),
    })
    .get('/history', ({ query }): Healing[] => engine.journal.latest(query), {
      query: t.Object({
        subject: t.Optional(Name),
        check_type: t.Optional(Check),
        limit: elysia.Optional(elysia.Numeric({ minimum: 1, maximum: HISTORY_LIMIT_MAX, multipleOf: 1 })),
        before: elysia.Optional(elysia.Numeric({ minimum: 1, multipleOf: 1 })),
      }),
    })
    .get('/history/:id', ({ params }): Healing => {
      const found = engine.journal.find(params.id);
      if (found) return found;
      throw new BulkheadError('HEALING_UNKNOWN', `there is no healing '${params.id.slice(0, 40)}'`);
    })
    .post('/heal', async ({ body }) => ({ healing: await orderHealing(body, doors) }), {
      body: t.Object({
        ...{ host: Name, check_type: Check, action: Name, by_whom: Name },
        params: t.Record(t.String({ maxLength: 64 }), t.String({ maxLength: 512 })),
      }),
    })
    .post('/reset', async ({ body }) => ({ reset: await engine.reset(body.subject, body.check_type) }), {
      body: t.Object({ subject: Name, check_type: Check }),
    });
}
