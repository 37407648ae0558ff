import type { BootMode } from './boot-machine.ts';
import type { BootState } from './boot-state.ts';
import { RESCUE_OTHER_ATTEMPT } from './limits.ts';
import { isSlot, type Slot } from './slot.ts';

/** What GRUB put on the kernel's command line. */
export interface BootCommandLine {
  slot: Slot | null;
  attempt: number | null;
  mode: BootMode | null;
}

/** The words GRUB added; null for one that is absent, malformed or there twice with different values. */
export function parseBootCommandLine(commandLine: string): BootCommandLine {
  const words = commandLine.trim().split(/\s+/);
  const value = (name: string): string | null => {
    const found = new Set(
      words.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1)),
    );
    const [only] = found;
    return found.size === 1 && only !== undefined ? only : null;
  };
  const slot = value('ab.partition');
  const attempt = value('ab.attempt');
  const mode = value('ab.mode');
  return {
    slot: isSlot(slot) ? slot : null,
    attempt: attempt !== null && /^[0-5]$/.test(attempt) ? Number(attempt) : null,
    mode: mode === 'normal' || mode === 'trial' || mode === 'rescue' ? mode : null,
  };
}

export interface SlotEvidence {
  /** The kernel's command line, as in /proc/cmdline. */
  commandLine: string;
  /** The boot state, null when it could not be read. */
  bootState: BootState | null;
  /** The slot that the root file system is mounted from, null when it is neither. */
  mountedSlot: Slot | null;
}

export interface SlotDetection {
  slot: Slot | null;
  source: 'command-line' | 'state-file' | 'mount' | null;
  /** What the sources disagree about, one sentence; null when they agree. */
  contradiction: string | null;
}

/**
 * Which slot runs: command line, then state file, then the mounted device. Pure. A contradiction is reported beside
 * the answer, never guessed away.
 */
export function detectSlot(evidence: SlotEvidence): SlotDetection {
  const said: [NonNullable<SlotDetection['source']>, Slot | null][] = [
    ['command-line', parseBootCommandLine(evidence.commandLine).slot],
    ['state-file', evidence.bootState ? slotByState(evidence.bootState) : null],
    ['mount', evidence.mountedSlot],
  ];
  const heard = said.filter((pair): pair is [NonNullable<SlotDetection['source']>, Slot] => pair[1] !== null);
  const [first] = heard;
  if (!first) return { slot: null, source: null, contradiction: null };
  const agree = heard.every(([, slot]) => slot === first[1]);
  const contradiction = agree ? null : heard.map(([source, slot]) => `${source} says ${slot}`).join(', ');
  return { slot: first[1], source: first[0], contradiction };
}

/** The slot GRUB must have started to leave this state behind, null where the state does not tell. */
export function slotByState(state: BootState): Slot | null {
  // The last place of the rescue ring starts the other slot only if that one is whole.
  if (state.attempts === RESCUE_OTHER_ATTEMPT) return null;
  return state.trial !== null && state.attempts > 0 ? state.trial : state.active;
}
