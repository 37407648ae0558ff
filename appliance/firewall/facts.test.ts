import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FirewallFacts, firewallProblem, readFirewallFacts } from './facts.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firewall-facts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FACTS: FirewallFacts = {
  loaded: true,
  mode: 'policy',
  rules: 40,
  digest: 'ab'.repeat(32),
  openPorts: ['tcp/80'],
  appliedAt: '2026-01-01T00:00:00.000Z',
  checkedAt: '2026-01-01T00:00:00.000Z',
  drift: false,
  message: 'as configured, open: tcp/80',
};

describe('the facts file', () => {
  test('is read as it was written, and everybody may read it whatever the umask', () => {
    const path = join(folder, 'run', 'firewall.json');
    // A process of its own: worker threads cannot change the umask.
    const script = `process.umask(0o077);
      const { writeFirewallFacts } = await import(${JSON.stringify(join(import.meta.dirname, 'facts.ts'))});
      writeFirewallFacts(${JSON.stringify(FACTS)}, ${JSON.stringify(path)});`;
    const written = Bun.spawnSync([process.execPath, '-e', script]);
    expect(written.stderr.toString()).toBe('');
    expect(readFirewallFacts(path)).toEqual(FACTS);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(statSync(join(folder, 'run')).mode & 0o777).toBe(0o755);
  });

  test('that is missing reads as null: the firewall was not applied in this boot', () => {
    expect(readFirewallFacts(join(folder, 'none.json'))).toBeNull();
  });

  test('that is damaged is an error, never taken for a fine or a missing one', () => {
    const path = join(folder, 'damaged.json');
    for (const text of ['', '{', '[]', '{"loaded": true}', JSON.stringify({ ...FACTS, drift: 'no' })]) {
      writeFileSync(path, text);
      expect(() => readFirewallFacts(path)).toThrow(
        expect.objectContaining({ code: 'FIREWALL_FACTS_DAMAGED' }),
      );
    }
  });
});

describe('a firewall', () => {
  test('is no problem only when it was loaded, read back and does not differ', () => {
    expect(firewallProblem(FACTS)).toBeNull();
    expect(firewallProblem(null)).toMatch(/never loaded/);
    expect(firewallProblem({ ...FACTS, drift: true, message: 'differs' })).toBe('differs');
    expect(firewallProblem({ ...FACTS, loaded: false, message: 'none' })).toBe('none');
  });
});
