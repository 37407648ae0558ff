import { describe, expect, test } from 'vitest';
import { ROLLED_BACK_CODE } from '../../../protocol/orders/result.ts';
import { isCommitted, sightOf } from './read-fleet.ts';

describe('what runs is committed', () => {
  const runs = (update_version: string | null, update_state: string | null, ordered?: string) =>
    isCommitted({ image_version: '2.0.0', update_version, update_state }, ordered);

  test('when nothing is on its way to it', () => {
    expect(runs(null, null)).toBe(true);
    expect(runs('3.0.0', 'downloading', '3.0.0')).toBe(true);
    expect(runs('3.0.0', 'rolled_back')).toBe(true);
  });

  test('when the appliance says that its update to it succeeded', () => {
    expect(runs('2.0.0', 'succeeded')).toBe(true);
    expect(runs('2.0.0', 'succeeded', '2.0.0')).toBe(true);
  });

  test('not while it is tried, whichever message comes first', () => {
    expect(runs('2.0.0', 'verifying')).toBe(false);
    expect(runs('2.0.0', 'rebooting', '2.0.0')).toBe(false);
    expect(runs(null, null, '2.0.0')).toBe(false);
    expect(runs('1.0.0', 'succeeded', '2.0.0')).toBe(false);
  });
});

describe('an order', () => {
  const order = { planned_id: 'r/1/d', attempt: 1, hand_outs: 0, result_code: null };

  test('that nobody has fetched is queued, and withdrawn when its time is over or it was taken back', () => {
    expect(sightOf({ ...order, state: 'queued' })).toMatchObject({ fate: 'queued', state: null });
    expect(sightOf({ ...order, state: 'cancelled' })).toMatchObject({ fate: 'withdrawn' });
    expect(sightOf({ ...order, state: 'expired' })).toMatchObject({ fate: 'withdrawn' });
  });

  test.each(['queued', 'handed_out', 'accepted', 'cancelled', 'expired', 'unanswered', 'succeeded'] as const)(
    'that was handed out once may be at work when it is %s',
    (state) => {
      const sight = sightOf({ ...order, state, hand_outs: 1 });
      expect(sight.fate).toBe('handed_out');
      expect(['failed', 'rolled_back']).not.toContain(sight.state);
    },
  );

  test('that failed says whether the appliance came back by itself', () => {
    const failed = { ...order, hand_outs: 1, state: 'failed' as const };
    expect(sightOf(failed).state).toBe('failed');
    expect(sightOf({ ...failed, result_code: 'FETCH_NOT_FOUND' }).state).toBe('failed');
    expect(sightOf({ ...failed, result_code: ROLLED_BACK_CODE }).state).toBe('rolled_back');
    expect(sightOf({ ...failed, state: 'refused' }).state).toBe('failed');
  });
});
