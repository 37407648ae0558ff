import { expect, test } from 'vitest';
import { findRescue } from './console.ts';

const CHOICE = 'BULKHEAD-GRUB choice slot=A attempt=1 mode=normal reason=active\n';
const STOPPED = '\n  BULKHEAD CANNOT START: root partition bc31 was not found\n  The next attempt follows.\n';
const RESCUE = 'BULKHEAD-GRUB choice slot=A attempt=4 mode=rescue reason=rescue-active\n';

test('a boot that goes on is not given up', () => {
  expect(findRescue(CHOICE + STOPPED + CHOICE)).toBeUndefined();
});

test('rescue mode is explained by the last thing that stopped a boot', () => {
  expect(findRescue(CHOICE + STOPPED + RESCUE)).toBe(
    'the appliance gave up starting: root partition bc31 was not found; it is in rescue mode now',
  );
  expect(findRescue(RESCUE)).toBe('the appliance gave up starting; it is in rescue mode now');
});
