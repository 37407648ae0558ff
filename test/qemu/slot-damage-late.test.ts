import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildVariant, removeVariants } from './fixtures/variants.ts';
import { diskOnTrial, expectRolledBack, startTrial } from './slot-on-trial.ts';

/** A slot on trial that starts and then goes wrong in the worst way; update-bad.test.ts has the milder ones. */

/** No release will ever be called that. */
const VARIANT = '0.0.1';
/** The initrd arms the watchdog with 180 s; firmware, GRUB and kernel before it take 15 s on an idle machine. */
const WATCHDOG_TIMEOUT_MS = 6 * 60_000;

const AFTER_LAST_ATTEMPT = ['B3 trial trial', 'A1 normal trial-used-up'];

afterAll(removeVariants);

test('the watchdog ends a slot on trial that hangs, even if the kernel cannot heed its warning', async () => {
  const { file } = await buildVariant('hang', VARIANT, (tree) => {
    const init = join(tree, 'usr/lib/systemd/systemd');
    // With the warning it would be a panic (update-bad.test.ts); here there is the reset alone.
    const deaf = 'wdctl --setpretimeout 0 /dev/watchdog0 >/dev/null';
    writeFileSync(init, `#!/bin/sh\n${deaf}\necho HANGING >/dev/console\nwhile :; do sleep 1000; done\n`);
    chmodSync(init, 0o755);
  });
  const disk = await diskOnTrial('hang', file, 2);
  const appliance = await startTrial('hang', disk);
  const { machine } = appliance;
  await machine.waitForSerial('HANGING', WATCHDOG_TIMEOUT_MS);
  // That the slot hangs for good and is not, say, ended by a panic that nobody sees.
  expect(machine.events.filter(({ event }) => event === 'RESET')).toEqual([]);
  await machine.waitForEvent('WATCHDOG', WATCHDOG_TIMEOUT_MS);
  await expectRolledBack(appliance, disk, AFTER_LAST_ATTEMPT);
  expect(machine.serialText).not.toContain('Kernel panic');
});
