import fc from 'fast-check';
import { serialiseBootState } from '../../partitions/boot-state.ts';

/** Blocks that are hurt in every way that was thought of, and some nobody thought of. The same in every run. */
export function damagedBlocks(): Uint8Array[] {
  const good = serialiseBootState({
    active: 'B',
    trial: 'A',
    attempts: 2,
    good: { A: false, B: true },
    failed: null,
  });
  const text = Buffer.from(good).toString('latin1');
  const asBlock = (changed: string) => Buffer.from(changed.padEnd(512, '#').slice(0, 512), 'latin1');
  const swaps: [string, string][] = [
    ['active_partition=B', 'active_partition=C'],
    ['active_partition=B', 'active_partition='],
    ['active_partition=B', 'active_partition=b'],
    ['active_partition=B', 'active_partition=B '],
    ['active_partition=B', 'active_partition=A none 0 0 0 none'],
    ['active_partition=B', 'active_partition=!'],
    ['active_partition=B', 'active_partition=('],
    ['active_partition=B', 'active_partition=\\B'],
    ['active_partition=B', 'active_partition=A\nactive_partition=B'],
    ['active_partition=B', 'oops\nactive_partition=B'],
    ['active_partition=B', 'oops=1\nactive_partition=B'],
    ['active_partition=B', 'active_partition=B\0x'],
    ['active_partition=B\n', ''],
    ['trial_partition=A', 'trial_partition=B'],
    ['trial_partition=A', 'trial_partition='],
    ['trial_partition=A', 'trial_partition=NONE'],
    ['boot_attempts=2', 'boot_attempts=6'],
    ['boot_attempts=2', 'boot_attempts=02'],
    ['boot_attempts=2', 'boot_attempts=-1'],
    ['boot_attempts=2', 'boot_attempts=\\\n2'],
    ['boot_attempts=2\n', ''],
    ['good_a=0', 'good_a=2'],
    ['good_a=0\n', ''],
    ['good_b=1', 'good_b='],
    ['failed_partition=none', 'failed_partition=C'],
    ['failed_partition=none\n', 'failed_partition=none'],
    ['# GRUB', '# grub'],
    ['Block\n', 'Block'],
  ];
  const random = fc.sample(
    fc.oneof(
      fc.uint8Array({ minLength: 512, maxLength: 512 }),
      // Torn: the new sector up to somewhere, then something else.
      fc
        .tuple(fc.integer({ min: 0, max: 512 }), fc.constantFrom(0x00, 0xff, 0x23, 0x0a, 0x3d, 0x5c))
        .map(([at, filler]) => Buffer.concat([good.subarray(0, at), Buffer.alloc(512 - at, filler)])),
      // A few bytes flipped.
      fc
        .array(fc.tuple(fc.integer({ min: 20, max: 150 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        })
        .map((flips) => {
          const block = Buffer.from(good);
          for (const [at, value] of flips) block[at] = value;
          return block;
        }),
    ),
    { numRuns: 250, seed: 20261121 },
  );
  return [
    good,
    ...swaps.map(([from, to]) => asBlock(text.replace(from, to))),
    Buffer.alloc(0),
    Buffer.alloc(512),
    Buffer.alloc(512, 0xff),
    Buffer.from(text.slice(0, 60)),
    ...random,
  ];
}
