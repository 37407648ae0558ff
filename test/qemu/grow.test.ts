import { truncateSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { installation } from './fixtures/installed-disk.ts';
import { readPartitions } from './harness/disk-content.ts';
import { findPartition } from './harness/gpt.ts';
import { Box } from './running/box.ts';

/** The disk of the appliance was copied to a larger one: the data partition takes the room while it is in use. */

const GIB = 1024 ** 3;
const LARGER_BYTES = 14 * GIB;
/** Growing runs after the gate; 15 s here. */
const GROW_TIMEOUT_MS = HEALTHY_TIMEOUT_MS;

let box: Box | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') box?.machine.keepLogs();
  await box?.stop();
});

test('the data partition grows with the disk while the appliance runs, and the next boot has nothing left to do', async () => {
  const before = findPartition(await readPartitions(installation().disk), 'MSP-DATA');
  box = await Box.start('grow', {}, (path) => truncateSync(path, LARGER_BYTES));
  const first = await box.appliance.judged();
  expect(first.health.outcome).toBe('healthy');
  const grown = await box.statusWhere(
    ({ system }) => (system.dataDisk.total_bytes ?? 0) > before.size_bytes + 1.8 * GIB,
    GROW_TIMEOUT_MS,
  );
  expect(grown.system.dataDisk.readOnly).toBe(false);
  // What was there before is still there: the identity was made on the small partition.
  expect(grown.identity).toEqual(first.identity);
  expect(await growthLog(box)).toContain('move-backup-table, grow-partition, grow-file-system done');
  expect(await box.sh('sfdisk --verify /dev/vda 2>&1')).toContain('No errors detected');

  const second = await box.restart();
  expect(second.health.outcome).toBe('healthy');
  expect(second.identity).toEqual(first.identity);
  expect(second.system.dataDisk.total_bytes).toBe(grown.system.dataDisk.total_bytes);
  await expect
    .poll(() => box?.sh('systemctl show -P ActiveState bulkhead-grow-data'), { timeout: GROW_TIMEOUT_MS })
    .toBe('active');
  expect(await growthLog(box)).not.toContain('grow-partition');
  expect(await box.sh('systemctl list-units --failed --no-legend --plain')).toBe('');
  expect(await box.sh('dmesg')).not.toContain('Alternate GPT header not at the end');
  await box.machine.cutPower();
  const after = findPartition(await readPartitions({ path: box.disk.path, format: 'raw' }), 'MSP-DATA');
  expect(after.offset_bytes).toBe(before.offset_bytes);
  expect(after.partitionUuid).toBe(before.partitionUuid);
  expect(after.size_bytes).toBeGreaterThan(before.size_bytes + 1.9 * GIB);
});

const growthLog = (running: Box) => running.sh('journalctl -b -u bulkhead-grow-data -o cat --no-pager');
