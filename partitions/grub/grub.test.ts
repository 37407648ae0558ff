import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** What can be said without starting GRUB; the real GRUB runs the script in test/qemu/grub.test.ts. */
const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');
const script = read('grub.cfg');
const code = script
  .split('\n')
  .filter((line) => !line.trim().startsWith('#'))
  .join('\n');

describe('the boot script', () => {
  test.each(['grub.cfg', 'early.cfg'])('%s is one that GRUB can read', (name) => {
    const checked = spawnSync('grub-script-check', [join(import.meta.dirname, name)], { encoding: 'utf8' });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
  });

  test('finds nothing by the number of a disk', () => {
    expect(code).not.toMatch(/\(?[hc]d\d/);
  });

  test('waits for nobody: no menu, no key, no prompt', () => {
    expect(code).not.toMatch(
      /menuentry|\btimeout|\bread\b|interruptible|keystatus|normal_exit|terminal_input/,
    );
    expect(code).toMatch(/\n {2}start\n {2}sleep \d+\n {2}reboot\n}/);
  });

  test('prints lines that a console of 80 columns does not break', () => {
    const longest = {
      ...{ slot: 'A', attempt: '5', mode: 'normal', reason: 'trial-not-counted', was_valid: '1', save: '1' },
      ...{ active_partition: 'A', trial_partition: 'none', failed_partition: 'none', 1: 'A' },
      slot_version: '100.100.100-rc.10+20261121',
    };
    const lines = [...code.matchAll(/echo "([^"]*)"/g)].map((match) => match[1] ?? '');
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) {
      expect(line.startsWith('BULKHEAD-GRUB ')).toBe(true);
      const filled = Object.entries(longest).reduce(
        (text, [name, value]) => text.replaceAll(new RegExp(`\\$${name}\\b`, 'g'), value),
        line,
      );
      expect(filled).not.toContain('$');
      expect(filled.length).toBeLessThan(80);
    }
  });

  test('brings no module twice and none that could ask for a key', () => {
    const modules = read('modules.txt').trim().split('\n');
    expect(new Set(modules).size).toBe(modules.length);
    for (const unwanted of ['search', 'menuentry', 'read', 'password', 'keystatus']) {
      expect(modules).not.toContain(unwanted);
    }
  });
});
