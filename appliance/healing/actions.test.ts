import { describe, expect, test } from 'vitest';
import { CAPABILITY_TIERS } from '../../protocol/healing/tier.ts';
import { ACTION_NAMES, ACTIONS, actionFacts, checkAction, RESTARTABLE_UNITS, tierAllows } from './actions.ts';

const refused = (code: string) => expect.objectContaining({ code });

describe('an action', () => {
  test.each(ACTION_NAMES)(
    '%s is one that heal commands can carry, with bounded values and a tier',
    (name) => {
      const { params, does, risk, tier, timeout_s, platforms } = actionFacts(name);
      expect(name).toMatch(/^[a-z0-9_]{1,64}$/);
      expect(does).not.toBe('');
      expect(timeout_s).toBeGreaterThan(0);
      expect(platforms.length).toBeGreaterThan(0);
      if (risk === 'high') expect(tier).toBe('full_remediation');
      for (const { form } of Object.values(params)) {
        expect([form.source.startsWith('^'), form.source.endsWith('$'), form.flags]).toEqual([
          true,
          true,
          '',
        ]);
        for (const bad of [
          '',
          'x'.repeat(200),
          'a b',
          'a;b',
          '$(a)',
          '`a`',
          "a'b",
          'a"b',
          'a\nb',
          'a\n',
          '-a',
          '../a',
        ])
          expect([bad, form.test(bad)]).toEqual([bad, false]);
      }
    },
  );

  test('that is on no list is refused, also where every object has one of that name', () => {
    for (const name of ['shell', 'constructor', '__proto__', ''])
      expect(() => checkAction(name, 'linux', {})).toThrowError(refused('HEALING_ACTION_UNKNOWN'));
  });

  test('is refused on another platform, and with values that do not fit', () => {
    expect(() => checkAction('apply_firewall', 'linux', {})).toThrowError(refused('HEALING_ACTION_PLATFORM'));
    const params: Record<string, string>[] = [
      {},
      { service: 'a b' },
      { service: 'ufw', more: '' },
      { toString: '' },
    ];
    for (const values of params)
      expect(() => checkAction('start_service', 'linux', values)).toThrowError(
        refused('HEALING_ACTION_PARAMETERS'),
      );
    expect(checkAction('start_service', 'linux', { service: 'ufw' })).toEqual({
      action: 'start_service',
      params: { service: 'ufw' },
    });
  });

  test('restarts units of its list and no other', () => {
    for (const unit of RESTARTABLE_UNITS)
      expect(() => checkAction('restart_unit', 'appliance', { unit })).not.toThrow();
    for (const unit of ['ssh.service', 'systemd-networkdXservice', 'compliance-agent.service\n', ''])
      expect(() => checkAction('restart_unit', 'appliance', { unit })).toThrowError(
        refused('HEALING_ACTION_PARAMETERS'),
      );
  });

  test('that locks an account takes its name from a rule, never from a detection', () => {
    expect(ACTIONS.lock_account.params.user.from_detection).toBe(false);
  });
});

test('a tier allows what it needs and everything below, and monitoring alone allows nothing', () => {
  const allowed = CAPABILITY_TIERS.map((has) => CAPABILITY_TIERS.filter((needs) => tierAllows(has, needs)));
  expect(allowed.map((list) => list.length)).toEqual([1, 2, 3]);
  for (const name of ACTION_NAMES) expect(tierAllows('monitor_only', actionFacts(name).tier)).toBe(false);
});
