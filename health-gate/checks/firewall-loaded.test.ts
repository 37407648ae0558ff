import { afterAll, expect, test } from 'vitest';
import type { CheckContext } from '../check.ts';
import { LabMachine } from '../lab/machine.ts';
import { firewallLoaded } from './firewall-loaded.ts';

const machine = new LabMachine();
afterAll(() => machine.remove());

const facts = {
  loaded: true,
  mode: 'policy',
  rules: 12,
  digest: 'd1'.repeat(32),
  openPorts: ['tcp/80'],
  appliedAt: null,
  checkedAt: '2026-06-01T12:00:00Z',
  drift: false,
  message: 'as configured',
};

async function judge(content: unknown, liveFirewall: CheckContext['liveFirewall'] = null) {
  machine.write('run/firewall.json', typeof content === 'string' ? content : JSON.stringify(content));
  const { outcome, message } = await firewallLoaded.find(
    machine.context({ liveFirewall }),
    new AbortController().signal,
  );
  return `${outcome}: ${message}`;
}

test('facts of a loaded firewall pass, and the kernel is asked where it can be', async () => {
  expect(await judge(facts)).toBe('pass: 12 rules were loaded');
  expect(await judge(facts, async () => ({ loaded: true, digest: facts.digest }))).toBe(
    'pass: 12 rules are loaded, the kernel agrees',
  );
});

test('facts that say not loaded or drifted fail with their own words', async () => {
  expect(await judge({ ...facts, loaded: false, message: 'nft is missing' })).toBe(
    'fail: the firewall is not loaded: nft is missing',
  );
  expect(await judge({ ...facts, drift: true, message: 'a rule was added' })).toBe(
    'fail: the firewall has drifted: a rule was added',
  );
});

test('rules that were flushed or changed since the facts were written fail', async () => {
  expect(await judge(facts, async () => ({ loaded: false, digest: null }))).toMatch(
    /^fail: the kernel holds no/,
  );
  expect(await judge(facts, async () => ({ loaded: true, digest: 'e2'.repeat(32) }))).toMatch(
    /^fail: the kernel holds other rules/,
  );
});

test('a file that is none, or of another form, never passes', async () => {
  await expect(judge('{"loaded": tr')).rejects.toThrow();
  expect(await judge({ ...facts, loaded: 'yes' })).toMatch(/^fail: .* is invalid at \/loaded/);
  await expect(
    firewallLoaded.find(
      machine.context({ paths: { ...machine.paths, firewallFactsFile: machine.at('absent') } }),
      new AbortController().signal,
    ),
  ).rejects.toThrow(/ENOENT/);
});
