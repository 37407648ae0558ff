import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BootState,
  initialState,
  parseBootState,
  sameBootState,
  serialiseBootState,
} from './boot-state.ts';
import { otherSlot } from './slot.ts';

const anyState: fc.Arbitrary<BootState> = fc
  .tuple(
    fc.constantFrom('A' as const, 'B' as const),
    fc.boolean(),
    fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const, 4 as const, 5 as const),
    fc.record({ A: fc.boolean(), B: fc.boolean() }),
    fc.constantFrom(null, 'A' as const, 'B' as const),
  )
  .map(([active, onTrial, attempts, good, failed]) => ({
    active,
    trial: onTrial ? otherSlot(active) : null,
    attempts,
    good,
    failed,
  }));

describe('the boot state', () => {
  test('comes back as it was written, from exactly one sector', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const block = serialiseBootState(state);
        expect(block).toHaveLength(512);
        expect(parseBootState(block)).toEqual(state);
      }),
    );
  });

  test('is the same as another only when every part is', () => {
    fc.assert(
      fc.property(anyState, anyState, (one, two) => {
        expect(sameBootState(one, two)).toBe(JSON.stringify(one) === JSON.stringify(two));
      }),
    );
  });

  test('lies on the disk under these names', () => {
    const text = new TextDecoder().decode(serialiseBootState(initialState('A')));
    expect(text.replace(/#+$/, '')).toBe(
      '# GRUB Environment Block\nactive_partition=A\ntrial_partition=none\nboot_attempts=0\n' +
        'good_a=0\ngood_b=0\nfailed_partition=none\n',
    );
  });

  test('is valid GRUB source', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const checked = spawnSync('grub-script-check', { input: serialiseBootState(state) });
        expect(checked.stderr.toString()).toBe('');
        expect(checked.status).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  const text = new TextDecoder().decode(
    serialiseBootState({ active: 'B', trial: 'A', attempts: 2, good: { A: false, B: true }, failed: 'A' }),
  );
  test.each([
    ['a name missing', 'good_a=0\n', ''],
    ['a slot that does not exist', 'active_partition=B', 'active_partition=C'],
    ['a slot in lower case', 'active_partition=B', 'active_partition=b'],
    ['a trial of the active slot', 'trial_partition=A', 'trial_partition=B'],
    ['too many attempts', 'boot_attempts=2', 'boot_attempts=6'],
    ['attempts with a zero in front', 'boot_attempts=2', 'boot_attempts=02'],
    ['a flag that is neither', 'good_b=1', 'good_b=true'],
    ['another signature', '# GRUB', '# grub'],
  ])('is damaged with %s', (_name, from, to) => {
    expect(text).toContain(from);
    expect(parseBootState(new TextEncoder().encode(text))).toBeDefined();
    expect(parseBootState(new TextEncoder().encode(text.replace(from, to)))).toBeUndefined();
  });

  test('is never made out of noise, and noise never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(parseBootState(bytes)).toBeUndefined();
      }),
    );
  });
});
