import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { describeError } from '../base/errors.ts';
import { BOOT_COUNT_FILE, UPDATE_STATE_FILE } from '../base/paths.ts';
import { SlotName } from '../base/schema.ts';
import type { BootState } from './boot-state.ts';

/**
 * Copies of the boot state on the data partition for people and tools that look there. They are written after the
 * state itself and nothing boots by them; where they differ from /boot/ab_state, that is right.
 */
export interface MirrorPaths {
  updateState: string;
  bootCount: string;
}

export const MIRROR_PATHS: MirrorPaths = { updateState: UPDATE_STATE_FILE, bootCount: BOOT_COUNT_FILE };

const UpdateState = t.Object(
  {
    format: t.Literal(1),
    active_partition: SlotName,
    trial_partition: t.Union([SlotName, t.Null()]),
    failed_partition: t.Union([SlotName, t.Null()]),
    boot_attempts: t.Union([0, 1, 2, 3, 4, 5].map((attempts) => t.Literal(attempts))),
    good: t.Object({ A: t.Boolean(), B: t.Boolean() }, { additionalProperties: false }),
  },
  { additionalProperties: false },
);

/** Writes both mirrors, each atomically. Throws what the file system throws. */
export function writeMirrors(state: BootState, paths: MirrorPaths = MIRROR_PATHS): void {
  const mirror = {
    format: 1,
    active_partition: state.active,
    trial_partition: state.trial,
    failed_partition: state.failed,
    boot_attempts: state.attempts,
    good: state.good,
  };
  for (const path of [paths.updateState, paths.bootCount]) mkdirSync(dirname(path), { recursive: true });
  writeFileAtomic(paths.updateState, `${JSON.stringify(mirror, null, 2)}\n`);
  writeFileAtomic(paths.bootCount, `${state.attempts}\n`);
}

/**
 * The same for whoever has just changed the state itself: that stands, whether or not there was room for its copies. The
 * health gate writes them anew on every boot.
 */
export function refreshMirrors(
  state: BootState,
  paths: MirrorPaths,
  warn: (message: string) => void = (message) => process.stderr.write(`${message}\n`),
): void {
  try {
    writeMirrors(state, paths);
  } catch (error) {
    warn(`the copies of the boot state were not written; nothing depends on them: ${describeError(error)}`);
  }
}

/** The mirrored state, or undefined when the file is not there or not of this form. */
export function readUpdateStateMirror(path = UPDATE_STATE_FILE): BootState | undefined {
  let mirror: unknown;
  try {
    mirror = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
  if (!Value.Check(UpdateState, mirror)) return undefined;
  return {
    active: mirror.active_partition,
    trial: mirror.trial_partition,
    attempts: mirror.boot_attempts as BootState['attempts'],
    good: mirror.good,
    failed: mirror.failed_partition,
  };
}

/** Boots since the last commit, or undefined when the file is not there or holds anything but one number from 0 to 5. */
export function readBootCountMirror(path = BOOT_COUNT_FILE): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return /^[0-5]\n?$/.test(text) ? Number(text) : undefined;
}
