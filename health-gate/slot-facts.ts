import { type FileHandle, open } from 'node:fs/promises';
import type { BootMode } from '../partitions/boot-machine.ts';
import type { BootState } from '../partitions/boot-state.ts';
import { SLOTS, type Slot } from '../partitions/slot.ts';
import {
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  SECTOR_BYTES,
  type SlotManifest,
} from '../partitions/slot-blob.ts';
import type { SlotFacts } from './machine-facts.ts';

/** What a slot partition holds. `unreadable` is an error of the device, `damaged` a blob whose footer is none. */
export type SlotContent =
  | { kind: 'image'; manifest: SlotManifest }
  | { kind: 'empty' }
  | { kind: 'damaged' }
  | { kind: 'unreadable' };

/** Reads header and footer of a slot partition: 17 KiB, so it may be done every few minutes. */
export async function readSlotContent(device: string | null): Promise<SlotContent> {
  if (device === null) return { kind: 'unreadable' };
  let file: FileHandle | undefined;
  try {
    file = await open(device, 'r');
    const header = await readExactly(file, 0, SECTOR_BYTES);
    const footer_bytes = footerOffset(header);
    if (footer_bytes === undefined) return { kind: 'empty' };
    return parseContent(await readExactly(file, footer_bytes, FOOTER_BYTES));
  } catch {
    // The reason is in the kernel's log; the page says "not known" and the boot does not depend on it.
    return { kind: 'unreadable' };
  } finally {
    await file?.close();
  }
}

/** How the two slots stand. Pure. */
export function describeSlots(
  contents: Readonly<Record<Slot, SlotContent>>,
  state: BootState | null,
  running: { slot: Slot | null; mode: BootMode | null },
): SlotFacts[] {
  return SLOTS.map((slot) => {
    const content = contents[slot];
    const manifest = content.kind === 'image' ? content.manifest : null;
    return {
      slot,
      state: slotState(slot, content, state, running),
      running: running.slot === slot,
      version: manifest?.version ?? null,
      rootHash: manifest?.verity.root_hash ?? null,
      builtAt: manifest?.built_at ?? null,
    };
  });
}

function slotState(
  slot: Slot,
  content: SlotContent,
  state: BootState | null,
  running: { slot: Slot | null; mode: BootMode | null },
): SlotFacts['state'] {
  // What lies in the partition counts before what was once written about it.
  if (content.kind === 'empty') return 'empty';
  if (content.kind === 'damaged') return 'bad';
  if (state === null) {
    if (running.slot !== slot) return 'standby';
    return running.mode === 'trial' ? 'trial' : 'active';
  }
  if (state.trial === slot) return 'trial';
  if (state.active === slot) return 'active';
  return state.failed === slot ? 'bad' : 'standby';
}

function parseContent(footer: Uint8Array): SlotContent {
  try {
    return { kind: 'image', manifest: parseFooter(footer) };
  } catch {
    return { kind: 'damaged' };
  }
}

async function readExactly(file: FileHandle, offset_bytes: number, size_bytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size_bytes);
  const { bytesRead } = await file.read(bytes, 0, size_bytes, offset_bytes);
  if (bytesRead !== size_bytes) throw new Error(`only ${bytesRead} of ${size_bytes} bytes are there`);
  return bytes;
}
