import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { result } from './lab/machine.ts';
import { type BootFacts, decideVerdict, observeVerdict } from './verdict.ts';

const boot = (facts: Partial<BootFacts> = {}): BootFacts => ({
  mode: 'normal',
  live: false,
  slot: 'A',
  attempt: 1,
  failedSlot: null,
  ...facts,
});
const well = [result('memory', 'pass'), result('network-link', 'fail', false)];
const ill = [result('memory', 'pass'), result('clock', 'fail'), result('network-link', 'fail', false)];

describe('the verdict', () => {
  test('is this table', () => {
    const table: string[] = [];
    for (const live of [false, true]) {
      for (const mode of ['normal', 'trial', 'rescue'] as const) {
        for (const [name, checks] of Object.entries({ well, ill })) {
          const { outcome, action } = decideVerdict(checks, boot({ mode, live }));
          table.push(`${live ? 'live' : 'disk'} ${mode} ${name}: ${outcome} ${action}`);
        }
      }
    }
    expect(table).toEqual([
      'disk normal well: healthy commit',
      'disk normal ill: unhealthy reboot',
      'disk trial well: healthy commit',
      'disk trial ill: unhealthy reboot',
      'disk rescue well: healthy commit',
      'disk rescue ill: unhealthy stay',
      'live normal well: healthy none',
      'live normal ill: unhealthy none',
      'live trial well: healthy none',
      'live trial ill: unhealthy none',
      'live rescue well: healthy none',
      'live rescue ill: unhealthy none',
    ]);
  });

  test('names every check that decided, and no other', () => {
    const { reason } = decideVerdict([...ill, result('boot-state', 'fail')], boot());
    expect(reason).toBe('decisive checks failed: clock (clock says so), boot-state (boot-state says so)');
  });

  test('says that a slot was given up when this boot is a roll-back', () => {
    const { reason } = decideVerdict(well, boot({ slot: 'A', failedSlot: 'B' }));
    expect(reason).toBe(
      'all decisive checks passed; slot B was given up and this boot rolled back to slot A',
    );
  });

  test('leaves a slot that an operator gave up uncommitted, except in rescue and from the medium', () => {
    const table = (['normal', 'trial', 'rescue'] as const).flatMap((mode) =>
      [false, true].map((live) => {
        const facts = boot({ slot: 'B', failedSlot: 'B', mode, live });
        return `${live ? 'live' : 'disk'} ${mode}: ${decideVerdict(well, facts).action} ${decideVerdict(ill, facts).action}`;
      }),
    );
    expect(table).toEqual([
      'disk normal: none reboot',
      'live normal: none none',
      'disk trial: none reboot',
      'live trial: none none',
      'disk rescue: commit stay',
      'live rescue: none none',
    ]);
    const { reason } = decideVerdict(well, boot({ slot: 'B', failedSlot: 'B', mode: 'trial' }));
    expect(reason).toBe(
      'all decisive checks passed; slot B was given up by an operator and is not committed; the next boot takes slot A',
    );
  });

  test('is not healthy when nothing decisive could be checked', () => {
    for (const checks of [[], [result('memory', 'skipped')], [result('address', 'pass', false)]]) {
      expect(decideVerdict(checks, boot())).toMatchObject({ outcome: 'unhealthy', action: 'reboot' });
    }
  });

  test('never commits while a decisive check fails and never acts when it is only observed', () => {
    const check = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      decisive: fc.boolean(),
      outcome: fc.constantFrom('pass' as const, 'fail' as const, 'skipped' as const),
      message: fc.string(),
      duration_ms: fc.nat(),
    });
    const facts = fc.record({
      mode: fc.constantFrom('normal' as const, 'trial' as const, 'rescue' as const),
      live: fc.boolean(),
      slot: fc.constantFrom('A' as const, 'B' as const, null),
      attempt: fc.option(fc.nat({ max: 5 })),
      failedSlot: fc.constantFrom('A' as const, 'B' as const, null),
    });
    fc.assert(
      fc.property(fc.array(check), facts, (checks, facts) => {
        const failing = checks.some(({ decisive, outcome }) => decisive && outcome === 'fail');
        const { outcome, action } = decideVerdict(checks, facts);
        if (failing) expect(outcome).toBe('unhealthy');
        const { failedSlot, slot, mode } = facts;
        const givenUp = failedSlot !== null && failedSlot === slot && mode !== 'rescue';
        expect(action === 'commit').toBe(outcome === 'healthy' && !facts.live && !givenUp);
        // Observed-only results change nothing.
        const decisive = checks.filter((check) => check.decisive);
        expect(decideVerdict(decisive, facts)).toEqual(decideVerdict(checks, facts));
        expect(observeVerdict(checks, facts)).toMatchObject({ outcome, action: 'none' });
      }),
    );
  });
});
