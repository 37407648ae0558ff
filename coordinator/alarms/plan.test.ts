import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Findings } from './judge.ts';
import { ALARM_KINDS, type AlarmKind } from './kinds.ts';
import { ALARMS_PER_KIND_MAX } from './limits.ts';
import { type OpenAlarm, planAlarms } from './plan.ts';

const finding = (subject: string, message = 'wrong') => ({ subject, message });
const alarm = (kind: AlarmKind, subject: string, message = 'wrong'): OpenAlarm => ({
  ...{ id: `${kind} ${subject}`, kind, subject, message },
});

test('what is new is opened, what is the same stays, what is said otherwise is reworded, what is over is closed', () => {
  const open = ['same', 'other', 'over'].map((subject) => alarm('drift', subject));
  const findings: Findings = new Map([
    ['drift', [finding('same'), finding('other', 'worse'), finding('new')]],
  ]);
  expect(planAlarms(open, findings)).toEqual({
    open: [{ kind: 'drift', subject: 'new', message: 'wrong' }],
    reword: [{ id: 'drift other', message: 'worse' }],
    close: [alarm('drift', 'over')],
  });
});

test('a kind that was not looked at is left as it is', () => {
  const findings: Findings = new Map([['update_failing', []]]);
  expect(planAlarms([alarm('drift', 'one')], findings)).toEqual({ open: [], reword: [], close: [] });
});

test('of too many at once those that are open stay, and one for the fleet stands for the rest', () => {
  const many = Array.from({ length: ALARMS_PER_KIND_MAX + 100 }, (_, index) => finding(`device:${index}`));
  const last = many.at(-1)?.subject ?? '';
  const { open, close } = planAlarms(
    [alarm('appliance_silent', last)],
    new Map([['appliance_silent', many]]),
  );
  expect(close).toEqual([]);
  expect(open).toHaveLength(ALARMS_PER_KIND_MAX);
  expect(open.at(-1)).toMatchObject({ subject: 'fleet' });
  expect(open.map(({ subject }) => subject)).not.toContain(last);
});

test('after a plan was carried out there is nothing left to do', () => {
  const kind = fc.constantFrom(...ALARM_KINDS);
  const some = fc.uniqueArray(
    fc.record({ subject: fc.constantFrom('a', 'b', 'c', 'd'), message: fc.string() }),
    {
      selector: ({ subject }) => subject,
    },
  );
  const findings = fc.array(fc.tuple(kind, some)).map((list): Findings => new Map(list));
  const open = fc
    .uniqueArray(fc.tuple(kind, fc.constantFrom('a', 'b', 'c', 'd')), { selector: (pair) => pair.join(' ') })
    .map((list) => list.map(([kind, subject]) => alarm(kind, subject)));
  fc.assert(
    fc.property(open, findings, (before, found) => {
      const plan = planAlarms(before, found);
      const closed = new Set(plan.close.map(({ id }) => id));
      const words = new Map(plan.reword.map(({ id, message }) => [id, message]));
      const after = [
        ...before
          .filter(({ id }) => !closed.has(id))
          .map((one) => ({ ...one, message: words.get(one.id) ?? one.message })),
        ...plan.open.map(({ kind, subject, message }) => alarm(kind, subject, message)),
      ];
      expect(new Set(after.map(({ id }) => id)).size).toBe(after.length);
      expect(planAlarms(after, found)).toEqual({ open: [], reword: [], close: [] });
    }),
  );
});
