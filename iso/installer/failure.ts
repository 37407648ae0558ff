import { BulkheadError, describeError } from '../../base/errors.ts';
import type { InstallEvent, StepId } from './events.ts';

/** Words that fit on a screen in letters that can be read from two metres, and what to do, by error code. */
const WORDS: Readonly<Record<string, { headline: string; advice: string }>> = {
  INSTALL_HARDWARE_REFUSED: { headline: 'WRONG HARDWARE', advice: '' },
  INSTALL_ALREADY_INSTALLED: { headline: 'INSTALLED BEFORE', advice: '' },
  INSTALL_STATE_UNKNOWN: { headline: 'INSTALLED BEFORE', advice: '' },
  INSTALL_MARK_STAYS: { headline: 'BAD STICK', advice: '' },
  INSTALL_NO_TARGET: {
    headline: 'NO DISK',
    advice:
      'Fit a disk of 8 GB or more, or name one: install: {target: /dev/NAME} in config.yaml on the stick.',
  },
  INSTALL_CONFIG_INVALID: {
    headline: 'BAD CONFIG',
    advice:
      "Correct the file on the stick ('bulkhead config check' on a workstation says the same) and start again.",
  },
  INSTALL_CONFIG_UNREADABLE: {
    headline: 'BAD STICK',
    advice: 'Copy config.yaml onto the stick again, or use another stick.',
  },
  INSTALL_CMDLINE_INVALID: { headline: 'BAD OPTION', advice: '' },
  INSTALL_IMAGE_INVALID: { headline: 'BAD STICK', advice: '' },
  INSTALL_BOOT_FILES_MISSING: { headline: 'BAD STICK', advice: '' },
  INSTALL_MEDIUM_DAMAGED: { headline: 'BAD STICK', advice: '' },
  INSTALL_MEDIUM_UNKNOWN: { headline: 'FAILED', advice: '' },
  INSTALL_READ_BACK_DIFFERS: { headline: 'BAD DISK', advice: '' },
  INSTALL_WIPE_INEFFECTIVE: { headline: 'BAD DISK', advice: '' },
  INSTALL_DISK_STALLED: {
    headline: 'BAD DISK',
    advice: 'The disk stopped answering. Replace it, or start again to see whether it does so every time.',
  },
  INSTALL_DISK_ERROR: {
    headline: 'BAD DISK',
    advice:
      'The disk or the stick reports errors. Replace it, or start again to see whether it does so every time.',
  },
  LAYOUT_DISK_TOO_SMALL: { headline: 'DISK TOO SMALL', advice: '' },
  LAYOUT_MISMATCH: {
    headline: 'BAD DISK',
    advice: 'The disk does not hold what was written to it. Replace it.',
  },
};

const OTHERWISE = {
  headline: 'FAILED',
  advice:
    'Start again: the installer begins from scratch each time. If it fails here again, note this screen.',
};

/** What a person needs to know about a failure. */
export function describeFailure(step: StepId, error: unknown): Extract<InstallEvent, { event: 'failed' }> {
  const code = error instanceof BulkheadError ? error.code : 'INSTALL_FAILED';
  const words = WORDS[code] ?? OTHERWISE;
  const hint = error instanceof BulkheadError ? (error.hint ?? '') : '';
  const advice = [hint, words.advice].filter((text) => text !== '').join('. ') || OTHERWISE.advice;
  return {
    event: 'failed',
    step,
    code,
    headline: words.headline,
    reason: describeError(error).replace(`${code}: `, ''),
    advice,
  };
}
