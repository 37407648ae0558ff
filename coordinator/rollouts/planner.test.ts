import { describe, expect, test } from 'vitest';
import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { Appliance } from './appliance.ts';
import { standInLine } from './sample.ts';
import { box, codes, finishAll, fleet, pass, rehearse, v } from './testing/rehearse.ts';

describe('stages', () => {
  test('the first stage is the front of the line, the next goes on behind it after the soak', () => {
    const rehearsal = rehearse({ stages: [{ percent: 20 }, { percent: 100 }] }, fleet(10));
    const line = standInLine('spring', rehearsal.boxes.keys());
    const first = rehearsal.step();
    expect(first.orders.map((order) => order.appliance).sort()).toEqual(line.slice(0, 2).sort());
    finishAll(rehearsal);
    expect(pass(rehearsal, 0.1).stages[0]?.state).toBe('soaking');
    expect(pass(rehearsal, 0.9).orders).toEqual([]);
    const second = pass(rehearsal, 0.1);
    expect(second.orders.map((order) => order.appliance).sort()).toEqual(line.slice(2).sort());
    finishAll(rehearsal);
    pass(rehearsal, 0.1);
    expect(pass(rehearsal, 1).phase).toBe('completed');
  });

  test('one per cent of a few is one, and a stage without places of its own is passed', () => {
    const rehearsal = rehearse({ stages: [{ percent: 1 }, { percent: 2 }, { percent: 100 }] }, fleet(3));
    expect(rehearsal.step().orders).toHaveLength(1);
    finishAll(rehearsal);
    pass(rehearsal, 0.1);
    expect(pass(rehearsal, 1).orders).toHaveLength(2);
  });

  test('a stage is not filled with appliances that are silent, the last one takes them too', () => {
    const boxes = fleet(10);
    const line = standInLine(
      'spring',
      boxes.map((one) => one.known.id),
    );
    for (const one of boxes) if (one.known.id === line[0]) one.silence();
    const rehearsal = rehearse({ stages: [{ count: 2 }, { percent: 100 }] }, boxes);
    expect(
      rehearsal
        .step()
        .orders.map((order) => order.appliance)
        .sort(),
    ).toEqual(line.slice(1, 3).sort());
    finishAll(rehearsal);
    pass(rehearsal, 0.1);
    expect(codes(pass(rehearsal, 1))).toEqual({ [line[0] ?? '']: 'offline' });
    finishAll(rehearsal);
    expect(pass(rehearsal, 24 * 9).stages[1]?.state).toBe('soaking');
    const end = pass(rehearsal, 1);
    expect(end.phase).toBe('completed');
    expect(end.members.get(line[0] ?? '')?.state).toBe('left_behind');
  });

  test('a stage that nobody could try is no evidence', () => {
    const boxes = fleet(3);
    for (const one of boxes) one.silence();
    const rehearsal = rehearse({}, boxes);
    rehearsal.step();
    const plan = pass(rehearsal, 24 * 8);
    expect(plan.brake?.cause).toBe('no_evidence');
  });

  test('who matches later joins an open cohort, and not a frozen one', () => {
    for (const [joining, orders] of [
      ['open', 1],
      ['frozen', 0],
    ] as const) {
      const rehearsal = rehearse({ joining, cohort: 'tag.ring eq "a"' }, [
        box('old', { tags: { ring: 'a' } }),
        box('late'),
      ]);
      expect(rehearsal.step().orders).toHaveLength(1);
      const late = rehearsal.boxes.get('late');
      if (late) late.known = { ...late.known, tags: { ring: 'a' } };
      expect(rehearsal.step().orders, joining).toHaveLength(orders);
    }
  });

  test('an open cohort lets go who no longer matches, but not on the way, and does not forget who was unheard', () => {
    const rehearsal = rehearse(
      { joining: 'open', cohort: 'tag.ring eq "a"', floors: ['1.0.5'], parallel_max: 2 },
      ['b0', 'b1', 'b2', 'b3'].map((id) => box(id, { tags: { ring: 'a' } })),
    );
    const [way, unheard] = rehearsal.step().orders.map(({ appliance }) => rehearsal.boxes.get(appliance));
    way?.poll();
    way?.finish('succeed', rehearsal.now_ms);
    unheard?.silence();
    for (const one of rehearsal.boxes.values()) one.known = { ...one.known, tags: {} };
    expect(rehearsal.step().orders).toMatchObject([{ appliance: way?.known.id, to: '1.1.0' }]);
    expect([...(rehearsal.parent?.members.keys() ?? [])].toSorted()).toEqual(
      [way?.known.id, unheard?.known.id].toSorted(),
    );
    pass(rehearsal, 24);
    const later = pass(rehearsal, 1);
    expect(later.members.get(unheard?.known.id ?? '')).toMatchObject({ state: 'pool', unheard: 1 });
    expect(codes(later)[unheard?.known.id ?? '']).toBe('left_cohort');
  });

  test('who was removed from the fleet is no longer waited for', () => {
    const rehearsal = rehearse({}, fleet(2));
    rehearsal.step();
    rehearsal.boxes.delete('box-0');
    finishAll(rehearsal);
    const plan = pass(rehearsal, 0.1);
    expect(plan.members.has('box-0')).toBe(false);
    expect(plan.stages[0]?.state).toBe('soaking');
  });
});

describe('who gets no order, and why', () => {
  const never: [string, Partial<Appliance>, object?][] = [
    ['already_current', { version: v('1.1.0') }],
    ['ahead', { version: v('1.2.0') }],
    ['wrong_hardware', { hardware: 'hp-t740' }],
    ['wrong_hardware', { hardware: null }],
    ['rejected_before', { rejected: [v('1.1.0')] }],
    ['pinned', { policy: { kind: 'pinned', version: v('1.0.0') } }],
    ['asks_first', {}, { origin: 'auto_latest' }],
    ['asks_first', { policy: { kind: 'auto_latest', channel: 'beta' } }, { origin: 'auto_latest' }],
  ];
  test.each(never)('%s takes no place in a stage: %o', (code, change, request = {}) => {
    const rehearsal = rehearse(request, [box('it', change)]);
    const plan = rehearsal.step();
    expect(codes(plan)).toEqual({ it: code });
    expect(plan.orders).toEqual([]);
    expect(plan.phase).toBe('completed');
  });

  const later: [string, Partial<Appliance>, object?][] = [
    ['version_unknown', { version: null }],
    ['offline', { presence: 'offline', last_heard_ms: null }],
    ['stale', { presence: 'stale' }],
    ['on_trial', { committed: false }],
    ['on_trial', { committed: false, version: v('1.1.0') }],
    ['busy', { free: false }],
    ['window_closed', {}, { window: { start: '02:00', end: '04:00', days: ['sun'], zone: 'UTC' } }],
    ['window_closed', { window: { start: '02:00', end: '04:00', days: ['sun'], zone: 'UTC' } }],
    ['window_closed', { window: { start: 'soon', end: '04:00', days: ['sun'], zone: 'UTC' } }],
  ];
  test.each(later)('%s waits in its place: %o', (code, change, request = {}) => {
    const rehearsal = rehearse(request, [box('it', change)]);
    const plan = rehearsal.step();
    expect(codes(plan)).toEqual({ it: code });
    expect(plan.orders).toEqual([]);
    expect(plan.phase).toBe('running');
  });

  test('an order that waits when its window closes is taken back, and given again in the next', () => {
    const window = { start: '09:00', end: '11:00', days: ['mon', 'tue'], zone: 'UTC' };
    for (const own of [true, false]) {
      const rehearsal = own
        ? rehearse({}, [box('it', { window: window as MaintenanceWindow })])
        : rehearse({ window }, fleet(1));
      const [order] = rehearsal.step().orders;
      expect(order?.window).toEqual(own ? null : window);
      expect(pass(rehearsal, 2).withdrawals).toEqual([order?.id]);
      expect(pass(rehearsal, 1)).toMatchObject({ orders: [], skipped: [{ code: 'window_closed' }] });
      expect(pass(rehearsal, 20).orders).toHaveLength(1);
    }
  });

  test('an order that waits for an appliance that is pinned meanwhile is taken back', () => {
    const rehearsal = rehearse({}, fleet(1));
    rehearsal.step();
    const [one] = rehearsal.boxes.values();
    if (one) one.known = { ...one.known, policy: { kind: 'pinned', version: v('1.0.0') } };
    expect(rehearsal.step().withdrawals).toEqual(['spring/1/box-0']);
    expect(codes(rehearsal.step())).toEqual({ 'box-0': 'pinned' });
  });

  test('a downgrade and a policy that follows the channel are ordered when they are asked for', () => {
    const down = rehearse({ allow_downgrade: true }, [box('it', { version: v('1.2.0') })]);
    expect(down.step().orders).toMatchObject([{ to: '1.1.0', allow_downgrade: true }]);
    const policy = { kind: 'auto_latest', channel: 'stable' } as const;
    const auto = rehearse({ origin: 'auto_latest' }, [box('it', { policy })]);
    expect(auto.step().orders).toMatchObject([{ to: '1.1.0', allow_downgrade: false }]);
  });
});

describe('outcomes', () => {
  test('an update is complete when the version runs and is committed, not when it is said to be', () => {
    const rehearsal = rehearse({}, fleet(1));
    rehearsal.step();
    const [one] = rehearsal.boxes.values();
    one?.poll();
    if (one?.order) one.order.state = 'succeeded';
    expect(rehearsal.step().members.get('box-0')?.state).toBe('ordered');
    one?.boot();
    expect(rehearsal.step().members.get('box-0')?.state).toBe('ordered');
    one?.finish('succeed', rehearsal.now_ms);
    expect(rehearsal.step().members.get('box-0')?.state).toBe('succeeded');
  });

  test('floors are passed through one after the other', () => {
    const rehearsal = rehearse({ version: '3.0.0', floors: ['2.0.0', '1.5.0'] }, fleet(1));
    const ordered: string[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      ordered.push(...rehearsal.step().orders.map((order) => order.to));
      finishAll(rehearsal);
    }
    expect(ordered).toEqual(['1.5.0', '2.0.0', '3.0.0']);
  });

  test('who falls back from a step on the way has failed, and is not brought there again', () => {
    const rehearsal = rehearse({ version: '3.0.0', floors: ['2.0.0'] }, fleet(1));
    rehearsal.step();
    finishAll(rehearsal);
    const [one] = rehearsal.boxes.values();
    if (one) one.known = { ...one.known, free: false };
    expect(rehearsal.step().members.get('box-0')).toMatchObject({ state: 'seated', step: { to: '2.0.0' } });
    one?.fallBack();
    if (one) one.known = { ...one.known, free: true };
    const plan = rehearsal.step();
    expect(plan.members.get('box-0')).toMatchObject({ state: 'failed', code: 'fell_back' });
    expect(plan.orders).toEqual([]);
  });

  test.each(['fail', 'roll_back'] as const)(
    '%s is a failure, and enough of them engage the brake',
    (outcome) => {
      const rehearsal = rehearse({ parallel_max: 2, errors_max_percent: 10 }, fleet(20));
      rehearsal.step();
      finishAll(rehearsal, outcome);
      const second = pass(rehearsal, 0.1);
      expect(second.brake).toBeNull();
      finishAll(rehearsal, outcome);
      const third = pass(rehearsal, 0.1);
      expect(third.brake?.reason).toBe('stage 1: 4 of 20 failed, 2 are tolerated');
      expect(third.orders).toEqual([]);
    },
  );

  test('silence after an order was fetched is a failure, silence before is none', () => {
    const rehearsal = rehearse({ errors_max_percent: 100, success_min_percent: 0 }, fleet(2));
    rehearsal.step();
    rehearsal.boxes.get('box-0')?.poll();
    for (const one of rehearsal.boxes.values()) one.silence();
    const overdue = pass(rehearsal, 24);
    expect(overdue.members.get('box-0')).toMatchObject({ state: 'failed', code: 'no_outcome' });
    expect(overdue.withdrawals).toEqual(['spring/1/box-1']);
    expect(pass(rehearsal, 0.1).members.get('box-1')).toMatchObject({ state: 'seated', unheard: 1 });
  });

  test('an outcome that comes late is believed', () => {
    const rehearsal = rehearse({}, fleet(1));
    rehearsal.step();
    const [one] = rehearsal.boxes.values();
    one?.poll();
    one?.silence();
    one?.finish('succeed', rehearsal.now_ms);
    expect(pass(rehearsal, 24).brake?.cause).toBe('failures');
    one?.speak(rehearsal.now_ms);
    expect(pass(rehearsal, 0.1).members.get('box-0')?.state).toBe('succeeded');
  });

  test('a success that goes silent or falls back while it is watched is none', () => {
    for (const fault of ['silence', 'fallBack'] as const) {
      const rehearsal = rehearse({}, fleet(1));
      rehearsal.step();
      finishAll(rehearsal);
      pass(rehearsal, 0.1);
      rehearsal.boxes.get('box-0')?.[fault]();
      expect(pass(rehearsal, 1).brake?.cause).toBe(fault === 'silence' ? 'too_few_successes' : 'failures');
    }
  });
});
