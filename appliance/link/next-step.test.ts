import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectedStatus } from '../../status-page/example-link.ts';
import type { ConversationState } from './conversation.ts';
import type { Enrolment } from './enrolment.ts';
import { describeLink, unableLink, withLink } from './link-section.ts';
import { nextStep, pause_ms, type Standing } from './next-step.ts';

const NOW: Standing = {
  now_ms: 1_000,
  enrolled: true,
  not_before_ms: 0,
  heartbeat_due_ms: 5_000,
  waiting: false,
  asked: false,
};

describe('the next step', () => {
  test.each<[string, Partial<Standing>, object]>([
    [
      'is nothing while a pause lasts, whatever there is to do',
      { not_before_ms: 1_500, heartbeat_due_ms: 0 },
      { act: 'wait', for_ms: 500 },
    ],
    [
      'is to enrol for whoever is not in',
      { enrolled: false, waiting: true, heartbeat_due_ms: 0 },
      { act: 'enrol' },
    ],
    [
      'is a heartbeat that is due, before a long queue',
      { waiting: true, heartbeat_due_ms: 1_000 },
      { act: 'heartbeat' },
    ],
    ['is to deliver what waits', { waiting: true, asked: true }, { act: 'deliver' }],
    ['is a question of another part, when nothing else is to do', { asked: true }, { act: 'inquire' }],
    ['is to wait for the next heartbeat', {}, { act: 'wait', for_ms: 4_000 }],
  ])('%s', (_, changed, step) => expect(nextStep({ ...NOW, ...changed })).toEqual(step));

  test('is never to wait without an end, nor for nothing', () => {
    const time = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(
        time,
        time,
        time,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (now_ms, not_before_ms, heartbeat_due_ms, enrolled, waiting, asked) => {
          const step = nextStep({ now_ms, not_before_ms, heartbeat_due_ms, enrolled, waiting, asked });
          if (step.act === 'wait') expect(step.for_ms).toBeGreaterThan(0);
        },
      ),
    );
  });
});

test('a pause is what was asked for and a little more by chance, or grows with the failures up to five minutes', () => {
  expect([0, 0.5, 1].map((random) => pause_ms(10_000, 3, random))).toEqual([10_000, 11_000, 12_000]);
  expect([1, 2, 3, 20].map((failures) => pause_ms(0, failures, 1))).toEqual([1_000, 2_000, 4_000, 300_000]);
  expect(pause_ms(0, 20, 0.25)).toBe(75_000);
});

describe('what the page says', () => {
  const NEW: ConversationState = {
    ...{ enrolment: null, pending: null, provision: 'unknown', agent: null, contact_ms: null, problem: null },
    shut: null,
  };
  const OUTBOX = { records: 0, oldest_ms: null, dropped: { log: 0, state: 0, refused: 0 }, memoryOnly: null };
  const enrolment: Enrolment = { format: 1, coordinator: 'c', key_id: 'k', device_id: 'd', order_keys: [] };
  const stateOf = (changed: Partial<ConversationState>) => describeLink({ ...NEW, ...changed }, OUTBOX, null);

  test.each<[Partial<ConversationState>, string]>([
    [{}, 'enrolling'],
    [{ problem: 'no answer' }, 'enrolling'],
    [{ pending: { code: 'X', expires_ms: 1 }, contact_ms: 1 }, 'pending'],
    [{ enrolment }, 'interrupted'],
    [{ enrolment, contact_ms: 1 }, 'connected'],
    [{ enrolment, contact_ms: 1, problem: 'no answer' }, 'interrupted'],
    [{ shut: 'no', problem: 'no' }, 'refused'],
  ])('of %j is %s', (changed, state) => expect(stateOf(changed).state).toBe(state));

  test('a code only while somebody can approve by it', () => {
    expect(stateOf({ pending: { code: 'X', expires_ms: 0 } })).toMatchObject({
      code: 'X',
      codeExpiresAt: '1970-01-01T00:00:00.000Z',
    });
    expect(stateOf({ pending: { code: 'X', expires_ms: 0 }, enrolment }).code).toBeNull();
  });

  const { link: _link, ...way } = connectedStatus().coordinator;
  test('goes by the coordinator where it was heard, and by the check of the way where that is broken', () => {
    const broken = { ...way, reachable: false, failingStage: 'dns', message: 'dns: no such name' } as const;
    expect(withLink(broken, stateOf({ enrolment, contact_ms: 1 }), null)).toMatchObject({
      reachable: true,
      message: 'connected',
    });
    expect(withLink(broken, stateOf({ enrolment }), 'timeout')).toMatchObject({
      failingStage: 'dns',
      message: 'dns: no such name',
    });
    expect(withLink(way, stateOf({ enrolment }), 'AGENT_REPLAY: taken before')).toMatchObject({
      failingStage: 'auth',
    });
    expect(withLink(way, stateOf({}), 'no answer within 30 s')).toMatchObject({
      reachable: true,
      message: 'enrolling: no answer within 30 s',
    });
    expect(withLink(way, unableLink(), 'no key').message).toBe('this machine cannot enrol: no key');
    expect(withLink(way, null, null)).toEqual({ ...way, link: null });
  });

  test('nothing that moves by itself in the sentence of the console', () => {
    const busy = { ...OUTBOX, records: 7, oldest_ms: 1 };
    const said = [OUTBOX, busy].map((outbox) =>
      withLink(way, describeLink({ ...NEW, enrolment, contact_ms: 1 }, outbox, 12), null),
    );
    expect(said[0]?.message).toBe(said[1]?.message);
  });
});
