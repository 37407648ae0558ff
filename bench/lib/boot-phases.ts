import { BulkheadError } from '../../base/errors.ts';
import { round } from './statistics.ts';

/** A part of a boot, in the order in which they follow each other. */
export interface BootPhase {
  name: string;
  seconds: number;
}

/** Added to the kernel's command line so that the console says when a phase ends; costs a boot about half a second. */
export const TALKATIVE = 'loglevel=6 systemd.show_status=1';

/** `[    4.946712] text`: the kernel's own time. */
const KERNEL_TIME = /^\[ *(\d+\.\d+)\] /;

/** What the console of a talkative boot says at the end of each phase. */
const ENDS: readonly { name: string; end: RegExp }[] = [
  { name: 'firmware', end: /BdsDxe: starting Boot/ },
  { name: 'GRUB: choose the slot, load kernel and initrd', end: KERNEL_TIME },
  { name: 'kernel', end: /bulkhead-initrd: start/ },
  { name: 'initrd', end: /bulkhead-initrd: switch root/ },
  { name: 'systemd, until the set-up begins', end: /Starting bulkhead-setup\.service/ },
  { name: 'bulkhead setup', end: /Finished bulkhead-setup\.service/ },
  { name: 'bulkhead firewall apply', end: /Finished bulkhead-firewall\.service/ },
  { name: 'network, until the agent begins', end: /Starting compliance-agent\.service/ },
  { name: 'agent, until it answers', end: /Started compliance-agent\.service/ },
  { name: 'health gate', end: /\]: (?:healthy|unhealthy)[,:]/ },
];

/**
 * Cuts a boot into its phases.
 *
 * @param log serial log of the harness: every line begins with the seconds since power-on
 * @throws BulkheadError BENCH_PHASE_UNSEEN when a marker is missing
 */
export function bootPhases(log: string): BootPhase[] {
  const lines = [...log.matchAll(/^ *(\d+\.\d{3}) (.*)$/gm)].map(([, at = '', text = '']) => ({
    at_s: Number(at),
    text,
  }));
  const kernelStart_s = kernelZero(lines);
  let before_s = 0;
  return ENDS.map(({ name, end }) => {
    const line = lines.find(({ text }) => end.test(text));
    if (!line) throw new BulkheadError('BENCH_PHASE_UNSEEN', `the console never said how '${name}' ended`);
    const at_s = end === KERNEL_TIME ? kernelStart_s : line.at_s;
    const seconds = round(at_s - before_s, 2);
    before_s = at_s;
    return { name, seconds };
  });
}

/**
 * Power-on time of the kernel's zero. Lines can only come late (the console is slow), so the smallest difference of all is
 * nearest to the truth.
 */
function kernelZero(lines: readonly { at_s: number; text: string }[]): number {
  const differences = lines.flatMap(({ at_s, text }) => {
    const time = KERNEL_TIME.exec(text)?.[1];
    return time === undefined ? [] : [at_s - Number(time)];
  });
  return Math.min(...differences);
}
