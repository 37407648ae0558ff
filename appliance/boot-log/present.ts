import { readFileSync } from 'node:fs';
import type { Slot } from '../../partitions/slot.ts';
import { type BootLog, ENDING_WORDS } from './boot-log.ts';
import { readBootLogs } from './store.ts';

/** The facts of `bulkhead boot-log`. */
export interface BootLogFacts {
  /** Whether this boot, too, will leave its log when it ends. */
  recording: boolean;
  /** Newest last. */
  logs: BootLog[];
}

/** @throws BulkheadError BOOTLOG_UNREADABLE */
export function inspectBootLogs(paths: { logs: string; backend: string }, slot: Slot | null): BootLogFacts {
  const logs = readBootLogs(paths.logs);
  return {
    recording: isRecording(paths.backend),
    logs: slot === null ? logs : logs.filter((log) => log.slot === slot),
  };
}

function isRecording(backendFile: string): boolean {
  try {
    return readFileSync(backendFile, 'utf8').trim() === 'ramoops';
  } catch {
    // A kernel without the file keeps nothing either.
    return false;
  }
}

/** For people: each log with the end of its text. */
export function bootLogsText({ recording, logs }: BootLogFacts, shown: number): string {
  const parts = logs.map((log) => [heading(log), ...body(log, shown)].join('\n'));
  if (logs.length === 0) parts.push('no log of an ended boot is kept; after a power cut there is none');
  if (!recording)
    parts.push('this boot leaves no log when it ends: the loader set no memory aside for it on this machine');
  return parts.join('\n\n');
}

function heading({ at, slot, attempt, mode, version, ending }: BootLog): string {
  const counted = attempt === null ? '' : `, attempt ${attempt}`;
  const what = `slot ${slot ?? 'unknown'}, ${mode ?? 'unknown'} boot${counted}, version ${version ?? 'unknown'}`;
  return `${at ?? 'time not known'}: ${what}: ${ENDING_WORDS[ending]}`;
}

function body({ lines, cut, damaged }: BootLog, shown: number): string[] {
  const end = shown === 0 ? [] : lines.slice(-shown);
  const left = lines.length - end.length;
  return [
    ...(damaged ? ['  (memory lost bits: the text may be wrong in places)'] : []),
    ...(left > 0 || cut ? [`  (${cut ? 'at least ' : ''}${left} lines before)`] : []),
    ...end.map((line) => `  ${line}`),
  ];
}
