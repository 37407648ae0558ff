import { kernelLines } from './kernel-line.ts';

/**
 * How a boot ended. clean: the kernel was told to restart or to power off, by whomever (a health gate that gave the boot
 * up, too). panic: it could not go on. stopped: nothing in it said so; it hung until the watchdog, or was reset.
 */
export type BootEnding = 'clean' | 'panic' | 'stopped';

export const BOOT_ENDINGS: readonly BootEnding[] = ['clean', 'panic', 'stopped'];

/** The kernel's own words, in the order in which they are looked for in a line (kernel/reboot.c, kernel/panic.c). */
const WORDS: readonly [RegExp, BootEnding][] = [
  [/^reboot: (?:Restarting system|Power down|System halted)/, 'clean'],
  // The watchdog's warning is a panic only so that a log is left: what happened is that somebody stopped feeding it.
  [/^Kernel panic - not syncing: watchdog pretimeout event/, 'stopped'],
  [/^Kernel panic - not syncing/, 'panic'],
  [/^(?:Oops|general protection fault|kernel BUG at|BUG: unable to handle)/, 'panic'],
];

/**
 * The ending that a kernel log tells of: that of the last line which says one. Pure. Lines that something other than
 * the kernel wrote into its log do not count where the log tells them apart (`<13>[ 1.0] …`).
 */
export function classifyBootLog(text: string): BootEnding {
  let ending: BootEnding = 'stopped';
  for (const { fromKernel, message } of kernelLines(text)) {
    const said = fromKernel ? WORDS.find(([words]) => words.test(message)) : undefined;
    if (said) [, ending] = said;
  }
  return ending;
}
