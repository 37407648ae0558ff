import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { exampleRule } from '../lab/example-rule.ts';
import { HealingLab, MACHINE } from '../lab/healing-lab.ts';
import { FLAP_ACTS_MAX } from '../limits.ts';

let lab: HealingLab;
beforeEach(() => {
  lab = new HealingLab(makeFolder('healing'));
});
afterEach(() => lab.stop());

const COOLDOWN_S = 600;
const latest = () => lab.engine.journal.latest({ limit: 1 })[0];

describe('a check that fails', () => {
  test('is healed: looked at, put on record, acted on, looked at again, put on record', async () => {
    await lab.look();
    expect(latest()).toMatchObject({
      ...{ state: 'healed', subject: MACHINE, rule_id: 'firewall', attempt: 1, claimed: true, told: true },
      ...{ seen: { passed: false, actual: 'off' }, seen_again: { passed: true, actual: 'on' } },
    });
    expect(lab.evidence.kinds()).toEqual(['healing.started', 'healing.ended']);
    expect(lab.evidence.entries.map(({ body }) => body)).toEqual([
      expect.objectContaining({ rule: 'firewall', seen: expect.objectContaining({ actual: 'off' }) }),
      expect.objectContaining({
        outcome: 'healed',
        seen: expect.objectContaining({ passed: false }),
        seen_again: expect.objectContaining({ passed: true }),
      }),
    ]);
    expect(lab.findings.find({})).toMatchObject([{ state: 'closed', closed_by: 'healing' }]);
    expect(lab.warnings).toEqual([]);
  });

  test('is not healed by an action that says so and changes nothing, is tried as often as the rule allows, and then told', async () => {
    lab.machine.program = ['true'];
    for (let look = 0; look < 12; look += 1) await lab.look(COOLDOWN_S);
    expect(lab.states()).toEqual(['not_healed', 'not_healed', 'gave_up']);
    expect(lab.machine.acts).toBe(3);
    expect(latest()).toMatchObject({
      claimed: true,
      reason: 'the check still fails; the action said that it succeeded',
    });
    expect(lab.findings.open().map(({ check_type, subject }) => [subject, check_type])).toEqual([
      [MACHINE, 'healing.firewall'],
      [MACHINE, 'firewall'],
    ]);
    expect(lab.evidence.kinds()).toHaveLength(6);
  });

  test('is healed by an action that says it failed, when the second look passes', async () => {
    lab.machine.program = ['sh', '-c', `${lab.machine.program.join(' ')}; echo broken >&2; exit 1`];
    await lab.look();
    expect(latest()).toMatchObject({ state: 'healed', claimed: false, output: 'broken\n' });
  });

  test('has not been healed where no second look is to be had', async () => {
    const detect = lab.machine.detect.bind(lab.machine);
    await lab.findings.record([await detect('firewall')].slice(1));
    lab.machine.began = () => {
      lab.machine.detect = () => Promise.reject(new Error('connection reset'));
    };
    await lab.findings.record([await detect('firewall')]);
    await lab.rest();
    expect(latest()).toMatchObject({
      state: 'not_healed',
      seen_again: null,
      reason: expect.stringMatching(/connection reset/),
    });
  });

  test('of a machine that never answers a second look is given up in time', async () => {
    const first = await lab.machine.detect('firewall');
    lab.machine.look_timeout_s = 0.1;
    lab.machine.detect = () => new Promise(() => {});
    await lab.findings.record([first]);
    await lab.rest();
    expect(latest()).toMatchObject({ state: 'not_healed', reason: expect.stringMatching(/no second look/) });
  });

  test('of a machine that cannot be reached has not been healed', async () => {
    lab.open = () => Promise.reject(new Error('no route to host'));
    await lab.look();
    expect(latest()).toMatchObject({
      state: 'not_healed',
      claimed: false,
      reason: expect.stringMatching(/no route/),
    });
  });
});

describe('what is put right and goes wrong again and again', () => {
  const flap = async (times: number) => {
    for (let time = 0; time < times; time += 1) {
      await lab.machine.off();
      await lab.look(COOLDOWN_S);
    }
  };

  test('is healed up to the limit, and then told, also over restarts', async () => {
    await flap(3);
    await lab.restart();
    await flap(6);
    await lab.restart();
    await lab.engine.sweep();
    await lab.rest();
    expect(lab.machine.acts).toBe(FLAP_ACTS_MAX);
    expect(lab.engine.stops.standing()).toMatchObject([
      { subject: MACHINE, check_type: 'firewall', why: 'flapping' },
    ]);
    expect(lab.findings.open().map(({ check_type }) => check_type)).toContain('healing.firewall');
  });

  test('goes on when an operator says so, and the finding is closed', async () => {
    await flap(7);
    lab.now_s += 1;
    expect(await lab.engine.reset(MACHINE, 'firewall')).toBe(true);
    expect(await lab.engine.reset(MACHINE, 'firewall')).toBe(false);
    await flap(1);
    expect(lab.machine.acts).toBe(FLAP_ACTS_MAX + 1);
    expect(lab.findings.open()).toEqual([]);
  });

  test('goes on by itself behind a quiet day, counted from when it last failed', async () => {
    await flap(7);
    lab.now_s += 1000;
    lab.machine.on();
    await lab.look(80_000);
    await lab.machine.off();
    await lab.look(80_000);
    expect(lab.machine.acts).toBe(FLAP_ACTS_MAX);
    lab.machine.on();
    await lab.look(10);
    await lab.machine.off();
    await lab.look(86_400);
    expect(lab.machine.acts).toBe(FLAP_ACTS_MAX + 1);
    expect(lab.findings.open()).toEqual([]);
  });
});

describe('nothing is done', () => {
  test('that cannot be put on record first; it is told as soon as there is room', async () => {
    lab.evidence.full = true;
    await lab.look();
    expect([lab.machine.acts, lab.states()]).toEqual([0, ['refused']]);
    lab.evidence.full = false;
    lab.now_s += 60;
    await lab.engine.sweep();
    await lab.rest();
    expect(lab.states()).toEqual(['refused', 'healed']);
    expect(lab.evidence.kinds()).toEqual(['healing.ended', 'healing.started', 'healing.ended']);
  });

  test('while healing is off', async () => {
    lab.mode = 'off';
    await lab.look();
    await lab.engine.sweep();
    await lab.rest();
    expect([lab.machine.acts, lab.states(), lab.evidence.kinds()]).toEqual([0, [], []]);
  });

  test('when it is switched off between the decision and the action', async () => {
    const append = lab.evidence.append.bind(lab.evidence);
    lab.evidence.append = async (entries) => {
      lab.mode = 'off';
      return append(entries);
    };
    await lab.look();
    expect([lab.machine.acts, lab.states()]).toEqual([0, ['refused']]);
  });

  test('in a dry run, which writes down what would be done, once a cooldown', async () => {
    lab.mode = 'dry_run';
    for (let look = 0; look < 4; look += 1) await lab.look(COOLDOWN_S / 2);
    expect([lab.machine.acts, lab.states(), lab.evidence.kinds()]).toEqual([0, ['refused', 'refused'], []]);
    expect(latest()).toMatchObject({ dry_run: true, action: 'enable_firewall' });
    lab.mode = 'on';
    await lab.look(1);
    expect(latest()).toMatchObject({ state: 'healed' });
  });
});

describe('a process that dies', () => {
  test('while an action is under way does not do it again: it looks', async () => {
    lab.machine.program = ['sh', '-c', `sleep 0.3; ${lab.machine.program.join(' ')}`];
    const began = Promise.withResolvers<void>();
    lab.machine.began = began.resolve;
    await lab.findings.record([await lab.machine.detect('firewall')]);
    await began.promise;
    await lab.engine.stop();
    expect(lab.states()).toEqual(['acting']);
    await Bun.sleep(400);
    await lab.restart();
    expect([lab.machine.acts, lab.states()]).toEqual([1, ['healed']]);
    expect(latest()?.reason).toMatch(/the process ended while the action was under way/);
  });

  test('and finds the check failing counts what it had begun', async () => {
    lab.machine.program = ['sleep', '0.2'];
    const began = Promise.withResolvers<void>();
    lab.machine.began = began.resolve;
    await lab.findings.record([await lab.machine.detect('firewall')]);
    await began.promise;
    await lab.restart();
    expect([lab.machine.acts, lab.states()]).toEqual([1, ['not_healed']]);
    await lab.look(COOLDOWN_S);
    expect(lab.machine.acts).toBe(2);
  });

  test('before anything was done has refused it, and decides anew', async () => {
    const seen = await lab.machine.detect('firewall');
    await lab.engine.journal.add({
      ...{
        id: `h-${'0'.repeat(32)}`,
        rule_id: 'firewall',
        action: 'enable_firewall',
        params: {},
        settle_s: 0,
      },
      ...{ quiet_s: 0, attempt: 1, last: false, asked_by: null, dry_run: false, finding_id: null, seen },
      detected_s: lab.now_s,
    });
    await lab.restart();
    expect([lab.machine.acts, lab.states(), lab.evidence.kinds()]).toEqual([
      0,
      ['refused'],
      ['healing.ended'],
    ]);
    await lab.look(COOLDOWN_S);
    expect(lab.states()).toEqual(['refused', 'healed']);
  });
});

test('a second attempt follows without a new detection, when the cooldown is over', async () => {
  lab.machine.program = ['true'];
  await lab.look();
  await lab.engine.sweep();
  await lab.rest();
  expect(lab.machine.acts).toBe(1);
  lab.now_s += COOLDOWN_S;
  await lab.engine.sweep();
  await lab.rest();
  expect(lab.states()).toEqual(['not_healed', 'not_healed']);
});

test('a healing that an operator orders is beside rules and limits, and not beside the switch', async () => {
  const seen = await lab.machine.detect('firewall');
  const order = {
    ...({
      rule_id: 'order',
      action: 'enable_firewall',
      params: {},
      settle_s: 0,
      quiet_s: 0,
      attempt: 1,
    } as const),
    ...{ last: true, asked_by: 'order 1', dry_run: false, finding_id: null, seen },
  };
  lab.rules = [];
  const { id } = await lab.engine.begin(order);
  await lab.rest();
  expect(lab.engine.journal.find(id)).toMatchObject({ state: 'healed', asked_by: 'order 1' });
  lab.mode = 'off';
  const refused = await lab.engine.begin(order);
  await lab.rest();
  expect(lab.engine.journal.find(refused.id)).toMatchObject({ state: 'refused' });
});

test('two detections at once are one healing', async () => {
  lab.rules = [exampleRule({ cooldown_s: 60 })];
  const seen = await lab.machine.detect('firewall');
  await lab.findings.record(
    [1, 2, 3, 4].map((number) => ({ ...seen, metadata: { number: String(number) } })),
  );
  await lab.rest();
  expect(lab.machine.acts).toBe(1);
});
