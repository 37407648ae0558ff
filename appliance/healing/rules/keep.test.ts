import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testKey } from '../../../base/signing/test-key.ts';
import { ruleProblems } from '../../../protocol/healing/rule.ts';
import { BUILT_IN_PREFIX, type RuleSet, sealRuleSet } from '../../../protocol/healing/rule-set.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { openSiteStore, type SiteStore } from '../../site/store/store.ts';
import { openSwitch } from '../engine/switch.ts';
import { HEALING_PART } from '../engine/tables.ts';
import { exampleRule } from '../lab/example-rule.ts';
import { KeptEvidence } from '../lab/healing-lab.ts';
import { BUILT_IN_RULES } from './built-in.ts';
import { keepRules } from './keep.ts';

const coordinator = testKey('coordinator');
const keyOf = ({ key_id, public_key }: typeof coordinator) => ({
  key_id,
  public_key: Buffer.from(public_key).toString('hex'),
});
const seal = (changed: Partial<RuleSet>, key = coordinator): unknown =>
  JSON.parse(
    JSON.stringify(
      sealRuleSet(
        { format: 1, version: 1, note: '', rules: [exampleRule()], switched_off: [], ...changed },
        key,
      ),
    ),
  );
const now = () => new Date('2026-11-21T12:00:00Z');

let file: string;
let store: SiteStore;
let evidence: KeptEvidence;
let warnings: string[];
beforeEach(() => {
  file = join(makeFolder('rules'), 'site.db');
  evidence = new KeptEvidence();
  warnings = [];
  reopen();
});
afterEach(() => store.stop());
const warn = (message: string) => warnings.push(message);
function reopen(): void {
  store = openSiteStore({ file, parts: [HEALING_PART], warn });
}
const keep = () => keepRules({ store, evidence, now, warn });
const ids = (rules = keep()) => rules.effective().map(({ id }) => id);

describe('the built-in rules', () => {
  test.each(BUILT_IN_RULES.map((rule) => [rule.id, rule] as const))('%s can be used', (id, rule) => {
    expect(id.startsWith(BUILT_IN_PREFIX)).toBe(true);
    expect(ruleProblems(rule)).toEqual([]);
  });

  test('are in force by themselves, each once', () => {
    expect(ids()).toEqual(BUILT_IN_RULES.map(({ id }) => id));
    expect(new Set(ids()).size).toBe(BUILT_IN_RULES.length);
  });
});

describe('rules of the coordinator', () => {
  test('come beside the built-in ones, switch some of them off, are on record, and are there after a restart', async () => {
    const switched_off = ['bh-linux-firewall', 'bh-of-another-version'];
    expect(await keep().take(seal({ switched_off, note: 'first' }), [keyOf(coordinator)])).toBe(true);
    store.stop();
    reopen();
    expect(ids()).toContain('firewall');
    expect(ids()).not.toContain('bh-linux-firewall');
    expect(keep().state()).toEqual({ version: 1, taken_at: now().toISOString(), note: 'first' });
    expect(evidence.entries).toMatchObject([{ kind: 'rules.changed', body: { version: 1, before: null } }]);
  });

  test('rise in version; the same again is nothing new', async () => {
    const rules = keep();
    await rules.take(seal({ version: 3 }), [keyOf(coordinator)]);
    expect(await rules.take(seal({ version: 3 }), [keyOf(coordinator)])).toBe(false);
    for (const older of [seal({ version: 2 }), seal({ version: 3, note: 'other' })])
      await expect(rules.take(older, [keyOf(coordinator)])).rejects.toMatchObject({
        code: 'HEALING_RULES_OLD',
      });
    await rules.take(seal({ version: 4, rules: [] }), [keyOf(coordinator)]);
    expect(ids(rules)).not.toContain('firewall');
  });

  test('of another coordinator, which the agent trusts now, begin anew', async () => {
    const rules = keep();
    const other = testKey('another coordinator');
    await rules.take(seal({ version: 30 }), [keyOf(coordinator)]);
    await expect(rules.take(seal({ version: 1 }, other), [keyOf(coordinator)])).rejects.toMatchObject({
      code: 'HEALING_RULES_UNTRUSTED',
    });
    expect(await rules.take(seal({ version: 1 }, other), [keyOf(other)])).toBe(true);
  });

  test('are not taken when that cannot be put on record', async () => {
    evidence.full = true;
    const rules = keep();
    await expect(rules.take(seal({}), [keyOf(coordinator)])).rejects.toMatchObject({ code: 'EVIDENCE_FULL' });
    expect([ids(rules), rules.state().version]).toEqual([BUILT_IN_RULES.map(({ id }) => id), null]);
  });

  test('that are damaged on the disk are not used, and said so', async () => {
    await keep().take(seal({}), [keyOf(coordinator)]);
    await store.write((database) =>
      database.run("update healing_rules set envelope = replace(envelope, 'A', 'B')"),
    );
    expect(ids()).toEqual(BUILT_IN_RULES.map(({ id }) => id));
    expect(warnings).toEqual([expect.stringMatching(/damaged/)]);
  });
});

describe('the switch', () => {
  const open = (configured: 'on' | 'off' | 'dry_run' = 'on') =>
    openSwitch({ store, evidence, configured, now });
  const who = { reason: 'trouble', by_whom: 'root' };

  test('is on until somebody switches it, stays over a restart, and is on record', async () => {
    expect(open().state()).toMatchObject({ mode: 'on', at: null });
    await open().set('off', who);
    store.stop();
    reopen();
    expect(open().state()).toMatchObject({ mode: 'off', ...who, at: now().toISOString() });
    expect(evidence.entries).toMatchObject([{ kind: 'healing.switched', body: { mode: 'off', ...who } }]);
  });

  test.each([
    ['off', 'on', 'off'],
    ['dry_run', 'on', 'dry_run'],
    ['on', 'dry_run', 'dry_run'],
    ['dry_run', 'off', 'off'],
  ] as const)('and the configuration hold together: %s and %s are %s', async (configured, switched, mode) => {
    expect(await open(configured).set(switched, who)).toMatchObject({ mode, configured, switched });
  });

  test('is not switched on without record, and is switched off without', async () => {
    const healing = open();
    evidence.full = true;
    await expect(healing.set('off', who)).rejects.toMatchObject({ code: 'EVIDENCE_FULL' });
    expect([healing.state().mode, open().state().mode]).toEqual(['off', 'off']);
    await expect(healing.set('on', who)).rejects.toMatchObject({ code: 'EVIDENCE_FULL' });
    expect(healing.state().mode).toBe('off');
  });

  test('is off for this process also where nothing can be written', async () => {
    const failing = { ...store, database: store.database, write: () => Promise.reject(new Error('no room')) };
    const healing = openSwitch({ store: failing, evidence, configured: 'on', now });
    await expect(healing.set('off', who)).rejects.toThrow('no room');
    expect([healing.state().mode, open().state().mode]).toEqual(['off', 'on']);
  });

  test('is off after the store was damaged, until somebody switches it on: what it said is lost', async () => {
    await open().set('off', who);
    store.stop();
    writeFileSync(file, 'no database');
    reopen();
    expect(open().state()).toMatchObject({ mode: 'off', switched: 'off' });
    expect(await open().set('on', who)).toMatchObject({ mode: 'on' });
    expect(open().state().mode).toBe('on');
  });

  test('that says what this version does not know is off', async () => {
    await open().set('on', who);
    await store.write((database) => database.run("update healing_switch set mode = 'sometimes'"));
    expect(open().state().mode).toBe('off');
  });
});
