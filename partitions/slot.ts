import { BulkheadError } from '../base/errors.ts';

/** One of the two root partitions. */
export type Slot = 'A' | 'B';

export const SLOTS: readonly Slot[] = ['A', 'B'];

export function otherSlot(slot: Slot): Slot {
  return slot === 'A' ? 'B' : 'A';
}

export function isSlot(value: unknown): value is Slot {
  return value === 'A' || value === 'B';
}

/** @throws BulkheadError SLOT_INVALID unless the text is exactly `A` or `B` */
export function parseSlot(text: string): Slot {
  if (isSlot(text)) return text;
  throw new BulkheadError('SLOT_INVALID', `'${text}' is not a slot`, { hint: 'a slot is A or B' });
}
