/** What the boot loader prints when no slot is left to try, see partitions/grub. */
const RESCUE = /^BULKHEAD-GRUB choice .*mode=rescue.*$/m;
/** What the initrd prints when it cannot start the system. */
const STOPPED = /BULKHEAD CANNOT START: ([^\n]*)/g;

/** Why the appliance went into rescue mode, in the words of its console; undefined when it has not. Pure. */
export function findRescue(console: string): string | undefined {
  if (!RESCUE.test(console)) return undefined;
  const last = [...console.matchAll(STOPPED)].at(-1)?.[1]?.trim();
  return `the appliance gave up starting${last ? `: ${last}` : ''}; it is in rescue mode now`;
}
