import { readFileSync } from 'node:fs';
import { INITRD_REPORT_FILE } from '../base/paths.ts';
import { SLOTS, type Slot } from './slot.ts';

/**
 * What the initrd found: the partitions of the disk this boot came from, by label, and how mounting went.
 * The initrd is the only place that looks for partitions, so a second disk with the same labels confuses nobody.
 */
export interface InitrdReport {
  /** Whole disk, e.g. `/dev/nvme0n1`; null on a live boot. */
  disk: string | null;
  esp: string | null;
  data: string | null;
  slots: Record<Slot, string | null>;
  espState: MountState;
  dataState: MountState;
  /** What went wrong with the data partition, in the initrd's words. */
  dataMessage: string;
  /** A hardware watchdog was started before the root was looked for. */
  watchdogArmed: boolean;
  /** Booted from the installation medium. */
  live: boolean;
}

export type MountState = 'ok' | 'missing' | 'failed';

/** Parses `key=value` lines; what is absent or malformed reads as missing, never as fine. */
function parseInitrdReport(text: string): InitrdReport {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1).trim());
  }
  const device = (name: string) =>
    values.get(name)?.startsWith('/dev/') ? (values.get(name) ?? null) : null;
  const mount = (name: string): MountState => {
    const value = values.get(name);
    return value === 'ok' || value === 'failed' ? value : 'missing';
  };
  const slots = Object.fromEntries(SLOTS.map((slot) => [slot, device(`root_${slot.toLowerCase()}`)]));
  return {
    disk: device('disk'),
    esp: device('esp'),
    data: device('data'),
    slots: slots as Record<Slot, string | null>,
    espState: mount('esp_state'),
    dataState: mount('data_state'),
    dataMessage: values.get('data_message') ?? '',
    watchdogArmed: values.get('watchdog') === 'armed',
    live: values.get('live') === '1',
  };
}

/** The report of this boot; an empty one where there is none (a workstation). */
export function readInitrdReport(path = INITRD_REPORT_FILE): InitrdReport {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // No report: not booted by our initrd. Everything then reads as missing, which the gate reports.
  }
  return parseInitrdReport(text);
}
