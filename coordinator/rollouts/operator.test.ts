import { describe, expect, test } from 'vitest';
import { executePlan } from './effects.ts';
import { ACTIONS, changeIntent, INITIAL_INTENT } from './intent.ts';
import { planRollout } from './planner.ts';
import { box, codes, finishAll, fleet, HOUR_MS, pass, rehearse, v } from './testing/rehearse.ts';

describe('pause and brake are two things', () => {
  test('a draft orders nothing until it is approved', () => {
    const rehearsal = rehearse({}, fleet(2));
    rehearsal.intent = INITIAL_INTENT;
    expect(rehearsal.step()).toMatchObject({ phase: 'draft', orders: [], reasons: [] });
    rehearsal.act('approve');
    expect(rehearsal.step().orders).toHaveLength(2);
  });

  test('a pause takes back what was not fetched, listens to the rest, and orders nothing', () => {
    const rehearsal = rehearse({}, fleet(2));
    rehearsal.step();
    rehearsal.boxes.get('box-0')?.poll();
    rehearsal.act('pause');
    const paused = rehearsal.step();
    expect(paused).toMatchObject({ phase: 'paused', orders: [], withdrawals: ['spring/1/box-1'] });
    rehearsal.boxes.get('box-0')?.finish('succeed', rehearsal.now_ms);
    const later = pass(rehearsal, 1);
    expect(later.members.get('box-0')?.state).toBe('succeeded');
    expect(codes(later)).toEqual({ 'box-1': 'held' });
    rehearsal.act('resume');
    expect(rehearsal.step().orders).toMatchObject([{ appliance: 'box-1' }]);
  });

  test('resuming does not release the brake, and releasing the brake does not resume', () => {
    const rehearsal = rehearse({ parallel_max: 1 }, fleet(3));
    rehearsal.step();
    rehearsal.act('pause');
    finishAll(rehearsal, 'fail');
    expect(rehearsal.step().brake?.cause).toBe('failures');
    rehearsal.act('resume');
    expect(rehearsal.step()).toMatchObject({ phase: 'braked', orders: [] });
    rehearsal.act('pause');
    rehearsal.act('release_brake');
    expect(rehearsal.step()).toMatchObject({ phase: 'paused', brake: null, orders: [] });
    rehearsal.act('resume');
    expect(rehearsal.step().orders).toHaveLength(1);
  });

  test('a released brake lets the failures pass that were seen, and no other', () => {
    const rehearsal = rehearse({ parallel_max: 1 }, fleet(3));
    rehearsal.step();
    finishAll(rehearsal, 'fail');
    expect(rehearsal.step().brake).not.toBeNull();
    rehearsal.act('release_brake');
    expect(pass(rehearsal, 1)).toMatchObject({ phase: 'running', brake: null });
    finishAll(rehearsal, 'fail');
    expect(pass(rehearsal, 1).brake?.reason).toBe('stage 1: 1 of 3 failed, 0 are tolerated');
  });

  test('a failure that nobody had seen when the brake was released engages it again', () => {
    const rehearsal = rehearse({ parallel_max: 2 }, fleet(3));
    rehearsal.step();
    const [one, other] = [...rehearsal.boxes.values()].filter((box) => box.poll());
    one?.finish('fail', rehearsal.now_ms);
    expect(rehearsal.step().brake).not.toBeNull();
    rehearsal.now_ms += HOUR_MS;
    rehearsal.act('release_brake');
    other?.finish('fail', rehearsal.now_ms);
    expect(rehearsal.step().brake?.reason).toBe('stage 1: 1 of 3 failed, 0 are tolerated');
  });

  test('a release of a brake that is not engaged does not wait for the next one', () => {
    const rehearsal = rehearse({}, fleet(2));
    rehearsal.step();
    rehearsal.act('release_brake');
    rehearsal.step();
    finishAll(rehearsal, 'fail');
    expect(rehearsal.step().brake).not.toBeNull();
  });

  test('a stage below its successes passes only when an operator says so', () => {
    const request = {
      errors_max_percent: 100,
      success_min_percent: 90,
      stages: [{ count: 2 }, { count: 3 }],
    };
    const rehearsal = rehearse(request, fleet(3));
    rehearsal.step();
    finishAll(rehearsal, 'roll_back');
    pass(rehearsal, 0.1);
    const judged = pass(rehearsal, 1);
    expect(judged.brake?.reason).toBe('stage 1: 0 of 2 succeeded; 90 % are asked for');
    rehearsal.act('release_brake');
    expect(rehearsal.step()).toMatchObject({ phase: 'running', brake: null });
    expect(rehearsal.parent?.stages.map(({ state }) => state)).toEqual(['done', 'running']);
  });

  test('the time of a pause is not taken from the stage', () => {
    const silent = box('box-0', { presence: 'offline' });
    const rehearsal = rehearse({ stage_deadline_ms: 2 * HOUR_MS }, [silent]);
    rehearsal.step();
    rehearsal.act('pause');
    pass(rehearsal, 1);
    rehearsal.act('resume');
    pass(rehearsal, 10);
    expect(pass(rehearsal, 0.9).members.get('box-0')?.state).toBe('seated');
    expect(pass(rehearsal, 0.2).members.get('box-0')?.state).toBe('left_behind');
  });
});

describe('trying again', () => {
  test('what failed is tried again when an operator asks, once', () => {
    const rehearsal = rehearse({ errors_max_percent: 100, success_min_percent: 0 }, fleet(1));
    rehearsal.step();
    finishAll(rehearsal, 'roll_back');
    expect(rehearsal.step().orders).toEqual([]);
    rehearsal.act('retry_failed');
    expect(rehearsal.step().orders).toMatchObject([{ to: '1.1.0', retry_rejected: true }]);
    finishAll(rehearsal, 'roll_back');
    expect(rehearsal.step().orders).toEqual([]);
    expect(rehearsal.step().orders).toEqual([]);
  });

  test('a request with nothing to try again is not kept for the next failure', () => {
    const rehearsal = rehearse({ errors_max_percent: 100 }, fleet(2));
    rehearsal.step();
    rehearsal.act('retry_failed');
    rehearsal.step();
    finishAll(rehearsal, 'fail');
    expect(rehearsal.step().orders).toEqual([]);
  });

  test('who gave the release up before the rollout began is taken in when an operator asks', () => {
    const rehearsal = rehearse({}, [box('it', { rejected: [v('1.1.0')] }), box('other')]);
    expect(codes(rehearsal.step())).toEqual({ it: 'rejected_before' });
    rehearsal.act('retry_failed');
    expect(rehearsal.step().orders).toMatchObject([{ appliance: 'it', retry_rejected: true }]);
  });

  test('an order that is never fetched is given three times, then the appliance is left behind', () => {
    const rehearsal = rehearse({}, fleet(2));
    let given = 0;
    for (let turn = 0; turn < 12; turn += 1) {
      given += pass(rehearsal, 24).orders.filter((order) => order.appliance === 'box-1').length;
      const [first] = rehearsal.boxes.values();
      first?.poll();
      first?.finish('succeed', rehearsal.now_ms);
    }
    expect(given).toBe(3);
    expect(rehearsal.parent?.members.get('box-1')?.state).toBe('left_behind');
    expect(rehearsal.phase).toBe('completed');
  });
});

describe('the end', () => {
  test('cancel leaves nothing new, takes back what was not fetched, and still hears the rest', () => {
    const rehearsal = rehearse({ parallel_max: 2 }, fleet(4));
    const [fetched, queued] = rehearsal.step().orders;
    rehearsal.boxes.get(fetched?.appliance ?? '')?.poll();
    rehearsal.act('cancel');
    expect(rehearsal.step()).toMatchObject({ phase: 'cancelled', orders: [], withdrawals: [queued?.id] });
    finishAll(rehearsal);
    const later = pass(rehearsal, 1);
    expect(later.members.get(fetched?.appliance ?? '')?.state).toBe('succeeded');
    expect(pass(rehearsal, 1).reasons).toEqual([]);
  });

  test('rolling back brings everyone that it moved to the version before, and nobody else', () => {
    const current = box('current', { version: v('1.1.0') });
    const rehearsal = rehearse({ stages: [{ count: 2 }, { percent: 100 }], parallel_max: 5 }, [
      ...fleet(4),
      current,
    ]);
    const moved = rehearsal.step().orders.map((order) => order.appliance);
    finishAll(rehearsal);
    pass(rehearsal, 0.1);
    rehearsal.act('roll_back');
    const back = rehearsal.step();
    expect(back.phase).toBe('rolling_back');
    expect(back.orders).toMatchObject(
      moved.map((appliance) => ({ appliance, type: 'rollback', to: '1.0.0' })),
    );
    finishAll(rehearsal);
    expect(pass(rehearsal, 0.1).phase).toBe('rolled_back');
    expect([...rehearsal.boxes.values()].filter((one) => one.known.version === '1.1.0')).toEqual([current]);
    const states = [...(rehearsal.parent?.members.values() ?? [])].map(({ state }) => state);
    expect(states.toSorted()).toEqual(['pool', 'pool', 'pool', 'reverted', 'reverted']);
  });

  test('a rollout that was completed can still be rolled back', () => {
    const rehearsal = rehearse({ soak_ms: 0 }, fleet(2));
    rehearsal.step();
    finishAll(rehearsal);
    expect(rehearsal.step().phase).toBe('completed');
    rehearsal.act('roll_back');
    expect(rehearsal.step().orders).toHaveLength(2);
  });

  test('who can not be reached is not waited for without end, and can be tried again', () => {
    const rehearsal = rehearse({ soak_ms: 0 }, fleet(1));
    rehearsal.step();
    finishAll(rehearsal);
    rehearsal.step();
    rehearsal.act('roll_back');
    const [one] = rehearsal.boxes.values();
    one?.silence();
    rehearsal.step();
    expect(pass(rehearsal, 24 * 8).phase).toBe('rolled_back');
    expect(rehearsal.parent?.members.get('box-0')).toMatchObject({ state: 'revert_failed', code: 'unheard' });
    one?.speak(rehearsal.now_ms);
    rehearsal.act('retry_failed');
    expect(rehearsal.step()).toMatchObject({ phase: 'rolling_back', orders: [{ type: 'rollback' }] });
  });

  test('what an action leads to depends on where the rollout is', () => {
    const possible = (wish: typeof INITIAL_INTENT.wish, phase: 'running' | 'completed') =>
      ACTIONS.filter((action) => {
        try {
          changeIntent({ ...INITIAL_INTENT, wish }, action, phase);
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ROLLOUT_ACTION_REFUSED' });
          return false;
        }
      });
    expect(possible('draft', 'running')).toEqual(['approve', 'cancel']);
    expect(possible('running', 'running')).toEqual([
      'pause',
      'release_brake',
      'retry_failed',
      'cancel',
      'roll_back',
    ]);
    expect(possible('cancelled', 'running')).toEqual(['roll_back']);
    expect(possible('running', 'completed')).toEqual(['roll_back']);
  });
});

describe('carrying out', () => {
  test('a plan is carried out once, and of two with one parent the first', () => {
    const rehearsal = rehearse({}, fleet(2));
    const one = planRollout('one', rehearsal.scene(), null);
    const other = planRollout('other', rehearsal.scene(), null);
    expect(rehearsal.carryOut(one)).toBe(5);
    expect(rehearsal.carryOut(one)).toBe(0);
    expect(executePlan(one, 'one')).toEqual({ outcome: 'nothing' });
    expect(executePlan(other, 'one')).toEqual({ outcome: 'superseded', by: 'one' });
    expect([...rehearsal.orders.keys()]).toEqual(['spring/1/box-0', 'spring/1/box-1']);
  });

  test('a plan with nothing new is not kept', () => {
    const rehearsal = rehearse({}, fleet(2));
    rehearsal.step();
    const next = planRollout('next', rehearsal.scene(), rehearsal.parent);
    expect(next.reasons).toEqual([]);
    expect(executePlan(next, rehearsal.parent?.id ?? null)).toEqual({ outcome: 'nothing' });
  });

  test('a fleet that was read before the parent was made is not planned from', () => {
    const rehearsal = rehearse({}, fleet(1));
    rehearsal.step();
    const early = rehearsal.scene();
    rehearsal.now_ms += HOUR_MS;
    finishAll(rehearsal);
    rehearsal.step();
    expect(rehearsal.parent?.members.get('box-0')?.state).toBe('succeeded');
    expect(planRollout('late', early, rehearsal.parent).reasons).toEqual([]);
  });

  test('the parent survives being planned from', () => {
    const rehearsal = rehearse({}, fleet(3));
    rehearsal.step();
    finishAll(rehearsal);
    const parent = rehearsal.parent;
    const before = structuredClone(parent);
    planRollout('next', rehearsal.scene(), parent);
    expect(parent).toEqual(before);
  });
});
