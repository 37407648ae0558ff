import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HAND_OUTS_MAX, ORDER_ACCEPT_MS, ORDER_BACKOFF_MS } from '../limits.ts';
import {
  afterCancel,
  afterHandOut,
  afterResult,
  afterTime,
  DEAD_STATES,
  OPEN_STATES,
  type OrderChange,
  type OrderFacts,
} from './machine.ts';

const NOW_MS = 1_000_000;
const order = (changed: Partial<OrderFacts> = {}): OrderFacts => ({
  ...{ state: 'queued', attempt: 1, attempts_max: 3, hand_outs: 0, timeout_s: 60, not_before_ms: 0 },
  ...{ expires_ms: NOW_MS + 1e9, due_ms: NOW_MS + 1e9, ...changed },
});
const result = (outcome: 'accepted' | 'refused' | 'succeeded' | 'failed', attempt = 1) => ({
  outcome,
  attempt,
});

describe('an order', () => {
  test('that was handed out has to be accepted in time, and is handed out again otherwise', () => {
    const handed = { ...order(), ...afterHandOut(order(), NOW_MS) };
    expect(handed).toMatchObject({ state: 'handed_out', hand_outs: 1, due_ms: NOW_MS + ORDER_ACCEPT_MS });
    expect(afterTime(handed, handed.due_ms - 1)).toBeNull();
    expect(afterTime(handed, handed.due_ms)).toMatchObject({ state: 'queued', attempt: 1, hand_outs: 1 });
    expect(afterTime({ ...handed, hand_outs: HAND_OUTS_MAX }, handed.due_ms)).toMatchObject({
      state: 'unanswered',
      ended: true,
    });
  });

  test('that fails is tried again later and later, and ends when its attempts are used', () => {
    const first = afterResult(order({ state: 'accepted' }), result('failed'), NOW_MS);
    expect(first).toMatchObject({ state: 'queued', attempt: 2, not_before_ms: NOW_MS + ORDER_BACKOFF_MS });
    const second = afterResult(order({ state: 'accepted', attempt: 2 }), result('failed', 2), NOW_MS);
    expect(second).toMatchObject({
      state: 'queued',
      attempt: 3,
      not_before_ms: NOW_MS + 2 * ORDER_BACKOFF_MS,
    });
    const last = afterResult(order({ state: 'accepted', attempt: 3 }), result('failed', 3), NOW_MS);
    expect(last).toMatchObject({ state: 'failed', ended: true });
  });

  test('that may be done once is not tried again when nothing is heard', () => {
    const silent = order({ state: 'accepted', attempts_max: 1, due_ms: NOW_MS });
    expect(afterTime(silent, NOW_MS)).toMatchObject({ state: 'unanswered', ended: true });
  });

  test('that was done after all is done, however late that is told', () => {
    expect(afterResult(order({ state: 'unanswered' }), result('succeeded'), NOW_MS)).toMatchObject({
      state: 'succeeded',
    });
    expect(afterResult(order({ state: 'failed' }), result('succeeded'), NOW_MS)).toBeNull();
  });

  test('of which the attempt before is told changes nothing', () => {
    expect(afterResult(order({ state: 'handed_out', attempt: 2 }), result('failed', 1), NOW_MS)).toBeNull();
  });

  test('can be taken back until it was accepted', () => {
    expect(afterCancel(order())).toMatchObject({ state: 'cancelled', ended: true });
    expect(afterCancel(order({ state: 'handed_out' }))).toMatchObject({ state: 'cancelled' });
    expect(afterCancel(order({ state: 'accepted' }))).toBeNull();
  });
});

/** Whatever happens in whatever order, an order ends, within its attempts, and stays ended. */
test('every order ends, within its attempts and its time', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('result' as const),
      outcome: fc.constantFrom('accepted', 'refused', 'succeeded', 'failed'),
      attempt: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ do: fc.constant('hand_out' as const) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 600_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, attempts_max) => {
      let now_ms = NOW_MS;
      let facts = order({ attempts_max, expires_ms: NOW_MS + 3_600_000, due_ms: NOW_MS + 3_600_000 });
      const apply = (change: OrderChange | null) => {
        if (!change) return;
        expect(change.attempt).toBeGreaterThanOrEqual(facts.attempt);
        expect(change.attempt).toBeLessThanOrEqual(attempts_max);
        expect(change.ended).toBe(!OPEN_STATES.includes(change.state));
        if (!OPEN_STATES.includes(facts.state)) expect(change.state).toBe('succeeded');
        facts = { ...facts, ...change };
      };
      for (const one of steps) {
        if (one.do === 'wait') {
          now_ms += one.ms;
          apply(afterTime(facts, now_ms));
        } else if (one.do === 'result') apply(afterResult(facts, one, now_ms));
        else if (facts.state === 'queued' && now_ms >= facts.not_before_ms && now_ms < facts.expires_ms)
          apply(afterHandOut(facts, now_ms));
      }
      for (let count = 0; count < 2 * attempts_max + 2; count += 1) {
        now_ms += 7_200_000;
        apply(afterTime(facts, now_ms));
      }
      expect([...DEAD_STATES, 'succeeded']).toContain(facts.state);
    }),
  );
});
