import { type BootChoice, selectBoot } from '../../../partitions/boot-machine.ts';
import type { BootState } from '../../../partitions/boot-state.ts';
import { SLOTS, type Slot } from '../../../partitions/slot.ts';
import { BOOTS_FOLLOWED } from './limits.ts';

/** A slot as far as it matters for booting. */
export interface SlotView {
  /** GRUB finds header and footer, and the digests of kernel and initrd agree. */
  whole: boolean;
  /** Name of the release that it holds with every byte; undefined when it holds none. */
  complete: string | undefined;
}

export interface DiskVerdict {
  /** What would go wrong with this disk, in words; empty when nothing would. */
  faults: readonly string[];
  /** There is no boot state: GRUB goes by what is whole. */
  withoutState: boolean;
  /** Which slot the very next boot takes. */
  next: Slot;
}

/**
 * Whether an appliance with this disk comes up, whatever happens to it afterwards: every boot that GRUB could give from
 * here on, each one dying before it does anything, has to start a complete release. Pure.
 */
export function judgeDisk(
  state: BootState | undefined,
  slots: Readonly<Record<Slot, SlotView>>,
): DiskVerdict {
  const faults = new Set<string>();
  for (const slot of SLOTS) {
    if (slots[slot].complete !== undefined) continue;
    if (state?.good[slot]) faults.add(`slot ${slot} is marked good and holds no complete release`);
    if (state?.trial === slot) faults.add(`slot ${slot} is on trial and holds no complete release`);
  }
  const boots = possibleBoots(state, { A: slots.A.whole, B: slots.B.whole });
  for (const { slot, mode, reason } of boots) {
    if (reason === 'neither-whole' || !slots[slot].whole) faults.add('GRUB finds no whole slot');
    else if (slots[slot].complete === undefined)
      faults.add(`GRUB starts slot ${slot} (${mode}, ${reason}), which holds no complete release`);
  }
  const [next] = boots;
  if (next?.mode === 'rescue') faults.add(`the next boot is a rescue boot (${next.reason})`);
  return { faults: [...faults], withoutState: state === undefined, next: next?.slot ?? 'A' };
}

/** Boot after boot with nothing in between but GRUB's counting. Where there is no state, the clock may begin with either slot. */
function possibleBoots(state: BootState | undefined, whole: Readonly<Record<Slot, boolean>>): BootChoice[] {
  const boots: BootChoice[] = [];
  let current = state;
  for (let boot = 0; boot < BOOTS_FOLLOWED; boot += 1) {
    for (const turn of SLOTS) boots.push(selectBoot(current, { canSave: true, whole, turn }));
    const { next } = selectBoot(current, { canSave: true, whole });
    if (!next) break;
    current = next;
  }
  return boots;
}
