import { describe, expect, test } from 'vitest';
import { Appliance } from './fixtures/appliance.ts';
import { blankDisk, expectSlotOnDisk, GIB } from './fixtures/blank-disk.ts';
import { directBootForTest } from './fixtures/direct-boot.ts';
import { ISO_FILE } from './fixtures/image.ts';
import { INSTALL_TIMEOUT_MS } from './fixtures/installed-disk.ts';
import type { DiskBus } from './harness/options.ts';
import { machineForTest } from './harness/vitest-machine.ts';

/**
 * Medium by bus. The ordinary run has CD to virtio (what every boot test starts from) and to eMMC, stick to NVMe and SATA
 * (install.test.ts); here are the others.
 */
const FULL = process.env['BULKHEAD_FULL'] === '1';
const OTHERS: readonly ['cdrom' | 'usbStick', DiskBus][] = [
  ['cdrom', 'sata'],
  ['cdrom', 'nvme'],
  ['usbStick', 'virtio'],
  ['usbStick', 'sata'],
  ['usbStick', 'emmc'],
];

describe.runIf(FULL)('every other medium and bus (only in the full run)', () => {
  test.each(OTHERS)(
    '%s to %s: installs by itself and starts healthy without the medium',
    async (medium, bus) => {
      const name = `matrix-${medium.toLowerCase()}-${bus}`;
      // A card has to have a power of two.
      const disk = blankDisk(name, 16 * GIB);
      const disks = [{ ...disk, bus }];
      const installer = await machineForTest({ name: `${name}-install`, [medium]: ISO_FILE, disks });
      await installer.waitForPowerOff(INSTALL_TIMEOUT_MS);
      await installer.stop();
      await expectSlotOnDisk(disk);
      const machine = await machineForTest({
        ...{ name, disks, watchdog: 'i6300esb', forwards: { 80: 0 } },
        ...(bus === 'emmc' ? { firmware: await directBootForTest(disk, 'A') } : {}),
      });
      const { health, boot } = await new Appliance(machine).judged();
      expect(health).toMatchObject({ outcome: 'healthy', verdicts: [{ action: 'commit' }] });
      expect(boot.slot).toBe('A');
    },
  );
});
