import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../../../base/errors.ts';
import { ENVELOPE_MAX_BYTES } from '../../../base/signing/limits.ts';
import { readBoundedFile } from '../../../updater/signing/bounded-file.ts';
import {
  readSensorRelease,
  SENSOR_PLATFORMS,
  type SensorPlatform,
  type SensorRelease,
} from '../client/update/release.ts';
import { LOOK_EVERY_MS } from './limits.ts';

/**
 * The folder of programs that sensors are offered: `bulkhead-sensor-PLATFORM-VERSION`, each with its signature beside it, `….dsse`. Root
 * writes it and has verified what is in it; a program counts when its signature is there, which is written last and removed first.
 */
export interface SensorProgram extends Pick<SensorRelease, 'platform' | 'version' | 'size_bytes' | 'sha256'> {
  file: string;
  signature_file: string;
}

export interface ProgramFolder {
  /** By platform, the newest of each first. */
  programs: SensorProgram[];
  /** Names of files that belong to no whole program: what an interruption left. */
  leftovers: string[];
}

const SIGNATURE_NAME = new RegExp(`^bulkhead-sensor-(${SENSOR_PLATFORMS.join('|')})-(.+)\\.dsse$`);

export function programPlace(folder: string, platform: SensorPlatform, version: string) {
  const file = join(folder, `bulkhead-sensor-${platform}-${version}`);
  return { file, signature_file: `${file}.dsse` };
}

/** @throws what the operating system says; a folder that is not there is an empty one */
export function readProgramFolder(folder: string): ProgramFolder {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return { programs: [], leftovers: [] };
  // Names with a dot in front are those of the one who writes at the moment.
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  const programs = names
    .flatMap((name) => readProgram(folder, name) ?? [])
    .sort((a, b) => a.platform.localeCompare(b.platform) || Bun.semver.order(b.version, a.version));
  const known = new Set(programs.flatMap(({ file, signature_file }) => [file, signature_file]));
  return { programs, leftovers: names.filter((name) => !known.has(join(folder, name))) };
}

function readProgram(folder: string, name: string): SensorProgram | null {
  const [, platform, version] = SIGNATURE_NAME.exec(name) ?? [];
  const bytes = platform === undefined ? undefined : readBoundedFile(join(folder, name), ENVELOPE_MAX_BYTES);
  if (bytes === undefined) return null;
  let release: SensorRelease;
  try {
    release = readSensorRelease(bytes);
  } catch {
    // Damaged: it is a leftover.
    return null;
  }
  if (release.platform !== platform || release.version !== version) return null;
  const place = programPlace(folder, release.platform, release.version);
  const { size_bytes, sha256 } = release;
  if (statSync(place.file, { throwIfNoEntry: false })?.size !== size_bytes) return null;
  return { platform: release.platform, version: release.version, size_bytes, sha256, ...place };
}

/** The programs as the service of the site sees them; never throws. */
export interface SensorPrograms {
  /** By platform, the newest of each first. */
  list(): readonly SensorProgram[];
}

export function createSensorPrograms(of: {
  folder: string;
  now_ms: () => number;
  /** Told when the folder cannot be read, once for each reason. */
  warn: (message: string) => void;
}): SensorPrograms {
  let programs: readonly SensorProgram[] = [];
  let looked_ms = Number.NEGATIVE_INFINITY;
  let told = '';
  return {
    list() {
      const now_ms = of.now_ms();
      // A clock that was set back must not keep what is old.
      if (Math.abs(now_ms - looked_ms) < LOOK_EVERY_MS) return programs;
      looked_ms = now_ms;
      try {
        ({ programs } = readProgramFolder(of.folder));
      } catch (error) {
        programs = [];
        const words = `sensors are offered no program: ${describeError(error)}`;
        if (words !== told) of.warn(words);
        told = words;
      }
      return programs;
    },
  };
}
