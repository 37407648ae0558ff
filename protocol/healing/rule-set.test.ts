import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testKey } from '../../base/signing/test-key.ts';
import { ACTION_NAMES } from './actions.ts';
import { PATTERN_MAX } from './limits.ts';
import { linearPattern } from './pattern.ts';
import { type Rule, ruleProblems } from './rule.ts';
import { parseRuleFile, type RuleSet, readRuleSet, sealRuleSet } from './rule-set.ts';

const coordinator = testKey('coordinator');
const keys = new Map([[coordinator.key_id, coordinator.public_key]]);
const refused = (code: string) => expect.objectContaining({ code });

const rule = (changed: Partial<Rule> = {}): Rule => ({
  ...{ id: 'linux-service', title: 'a service', enabled: true, check_type: 'services', platform: 'linux' },
  ...{ conditions: [], action: 'start_service', params: { service: { from: 'metadata.service' } } },
  ...{ priority: 10, cooldown_s: 600, retries: 1, settle_s: 0, tier: 'self_heal' },
  ...changed,
});
const set = (changed: Partial<RuleSet> = {}): RuleSet => ({
  ...{ format: 1, version: 3, note: '', rules: [rule()], switched_off: [] },
  ...changed,
});
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a rule set', () => {
  test('is read from what the coordinator signed', () => {
    expect(readRuleSet(sent(sealRuleSet(set(), coordinator)), keys)).toEqual({
      set: set(),
      key_id: coordinator.key_id,
    });
  });

  test('of somebody else, or changed on the way, is refused', () => {
    expect(() => readRuleSet(sent(sealRuleSet(set(), testKey('stranger'))), keys)).toThrowError(
      refused('HEALING_RULES_UNTRUSTED'),
    );
    const payload = Buffer.from(JSON.stringify(set({ version: 4 }))).toString('base64');
    expect(() => readRuleSet({ ...sealRuleSet(set(), coordinator), payload }, keys)).toThrowError(
      refused('DSSE_SIGNATURE_WRONG'),
    );
  });

  test.each<[string, Partial<RuleSet>, RegExp]>([
    ['two rules of one id', { rules: [rule(), rule()] }, /two of this id/],
    ['the id of a built-in rule', { rules: [rule({ id: 'bh-firewall' })] }, /built-in/],
    [
      'one good rule and one with an action that is none',
      { rules: [rule(), rule({ id: 'bad', action: 'shell' })] },
      /no action 'shell'/,
    ],
  ])('with %s is refused as a whole, before it is signed and after', (_, changed, why) => {
    expect(() => sealRuleSet(set(changed), coordinator)).toThrowError(why);
    const payload = new TextEncoder().encode(JSON.stringify(set(changed)));
    const payloadType = 'application/vnd.bulkhead.healing-rules.v1+json';
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
      payload,
    ]);
    const sig = Buffer.from(coordinator.sign(message)).toString('base64');
    const envelope = {
      ...{ payload: Buffer.from(payload).toString('base64'), payloadType },
      signatures: [{ keyid: coordinator.key_id, sig }],
    };
    expect(() => readRuleSet(envelope, keys)).toThrowError(why);
  });
});

describe('a rule', () => {
  test('is good when its action exists on the platform and every value fits or is filled in by the detection', () => {
    expect(ruleProblems(rule())).toEqual([]);
    expect(ruleProblems(rule({ params: { service: 'ufw' } }))).toEqual([]);
  });

  test.each<[string, Partial<Rule>, RegExp]>([
    ['another platform', { platform: 'appliance' }, /HEALING_ACTION_PLATFORM/],
    ['a value missing', { params: {} }, /service is missing/],
    ['a value that does not fit', { params: { service: 'a; reboot' } }, /HEALING_ACTION_PARAMETERS/],
    ['a value too many', { params: { service: 'ufw', user: { from: 'hostname' } } }, /no parameter 'user'/],
    [
      'a value that no detection may choose',
      { action: 'lock_account', tier: 'full_remediation', params: { user: { from: 'actual' } } },
      /HEALING_RULE_SOURCE/,
    ],
    ['too low a tier', { action: 'harden_ssh', params: {} }, /HEALING_RULE_TIER/],
    [
      'a pattern that looks back',
      { conditions: [{ field: 'actual', operator: 'regex', value: '(a)\\1' }] },
      /HEALING_PATTERN/,
    ],
  ])('with %s is none', (_, changed, problem) => {
    expect(ruleProblems(rule(changed)).join()).toMatch(problem);
  });
});

describe('a file of rules', () => {
  const yaml = `
note: the first set
rules:
  - id: linux-service
    title: a service
    enabled: true
    check_type: services
    platform: linux
    conditions:
      - { field: metadata.service, operator: in, value: [ufw, chrony] }
      - { field: actual, operator: regex, value: '^(stopped|failed)' }
    action: start_service
    params: { service: { from: metadata.service } }
    priority: 10
    cooldown_s: 600
    retries: 1
    settle_s: 0
    tier: self_heal
`;

  test('is YAML or JSON', () => {
    const file = parseRuleFile(yaml);
    expect(file).toMatchObject({ note: 'the first set', switched_off: [], rules: [{ id: 'linux-service' }] });
    expect(parseRuleFile(JSON.stringify(file))).toEqual(file);
  });

  test.each<[string, string, RegExp]>([
    ['no rules', 'note: x', /\/rules: /],
    ['a number where a text belongs', yaml.replace('[ufw, chrony]', '7'), /\/rules\/0\/conditions\/0/],
    [
      'a field that detections do not have',
      yaml.replace('metadata.service,', 'passed,'),
      /\/rules\/0\/conditions\/0/,
    ],
    [
      'a key that is none',
      yaml.replace('settle_s: 0', 'settle_s: 0\n    command: sh'),
      /\/rules\/0\/command/,
    ],
    ['a cooldown of seconds', yaml.replace('cooldown_s: 600', 'cooldown_s: 5'), /cooldown_s/],
    ['aliases', 'a: &a [1]\nrules: [*a, *a]', /alias/i],
    ['a tab', 'rules:\n\t- 1', /tab/i],
  ])('with %s is refused with the place', (_, text, why) => {
    expect(() => parseRuleFile(text)).toThrowError(why);
  });
});

describe('a pattern', () => {
  test('occurs somewhere in a text, or between the ends that it names', () => {
    expect(linearPattern('off|disabled').occursIn('Firewall: disabled')).toBe(true);
    expect(linearPattern('^off$').occursIn('Firewall: off')).toBe(false);
    expect(linearPattern('(?i)OFF').occursIn('Firewall: off')).toBe(true);
  });

  test.each(['^(a+)+$', '(x+x+)+y', '.*.*.*.*.*=', '(a|a)*b', '(a|aa)+$'])(
    '%s, which stops an engine that tries everything, is answered at once',
    (source) => {
      const pattern = linearPattern(source);
      const before_ms = performance.now();
      pattern.occursIn(`${'a'.repeat(2047)}!`);
      pattern.occursIn('x'.repeat(2048));
      expect(performance.now() - before_ms).toBeLessThan(2_000);
    },
  );

  test.each(['(?=a)', '(?<!a)b', '(a)\\1', 'a{200}{30}', '(abc){900}', '(', 'x'.repeat(PATTERN_MAX + 1)])(
    '%s is refused',
    (source) => {
      expect(() => linearPattern(source)).toThrowError(refused('HEALING_PATTERN'));
    },
  );

  test('never takes long, whatever it and the text are', () => {
    const letter = fc.constantFrom(...'ab.*+?|()[]^$\\{},0129');
    const source = fc.array(letter, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(source, fc.constantFrom('a', 'b', 'ab', 'aab{'), (text, piece) => {
        const before_ms = performance.now();
        try {
          linearPattern(text).occursIn(piece.repeat(2048 / piece.length));
        } catch (error) {
          expect(error).toEqual(refused('HEALING_PATTERN'));
        }
        expect(performance.now() - before_ms).toBeLessThan(2_000);
      }),
      { numRuns: 200 },
    );
  });
});

test('no rule can name an action outside of the list', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9_]{1,64}$/), (action) => {
      fc.pre(!(ACTION_NAMES as string[]).includes(action));
      expect(ruleProblems(rule({ action })).join()).toMatch(/HEALING_ACTION_UNKNOWN/);
    }),
    { numRuns: 100 },
  );
});
