import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fsyncFolder, writeFileAtomic } from '../../../base/atomic-file.ts';
import { BulkheadError } from '../../../base/errors.ts';
import { lockFile } from '../../../base/file-lock.ts';
import { ENVELOPE_MAX_BYTES } from '../../../base/signing/limits.ts';
import { formatBytes } from '../../../base/text.ts';
import { readBoundedFile } from '../../../updater/signing/bounded-file.ts';
import type { TrustedKeys } from '../../../updater/signing/trust.ts';
import { type SensorRelease, verifySensorRelease } from '../client/update/release.ts';
import { COPY_BYTES, PROGRAMS_LEAVE_BYTES, VERSIONS_KEPT } from './limits.ts';
import { programPlace, readProgramFolder, type SensorProgram } from './program-folder.ts';

export interface AddProgram {
  folder: string;
  /** The program, and what its maker signed of it. */
  file: string;
  signature_file: string;
  trusted: TrustedKeys;
  now: Date;
  /** Takes an older version, too; those that are newer are removed then, because the newest is what is offered. */
  allow_downgrade: boolean;
  /** Instead of PROGRAMS_LEAVE_BYTES. */
  leaves_bytes?: number;
}

export interface AddedProgram {
  program: SensorProgram;
  /** It was there before. */
  known: boolean;
  removed: SensorProgram[];
}

/**
 * Puts a program where sensors are offered it, after its signature and its bytes were held to the release keys. Durable when it returns;
 * an interruption leaves what was offered before.
 *
 * @throws BulkheadError SENSOR_PROGRAM_UNREADABLE, SENSOR_PROGRAM_OTHER, SENSOR_PROGRAM_OLDER, SENSOR_PROGRAMS_NO_ROOM, SENSOR_PROGRAMS_BUSY,
 *   SENSOR_PROGRAMS_FAILED, and those of verifySensorRelease
 */
export function addProgram(of: AddProgram): AddedProgram {
  const signature = readGiven(of.signature_file, () =>
    readBoundedFile(of.signature_file, ENVELOPE_MAX_BYTES),
  );
  const release = verifySensorRelease(signature ?? new Uint8Array(), of.trusted, of.now);
  const size_bytes = readGiven(of.file, () => statSync(of.file).size);
  if (size_bytes !== release.size_bytes)
    throw other(of.file, `has ${size_bytes} bytes, signed are ${release.size_bytes}`);
  return changing(of.folder, () => take(of, release, signature ?? new Uint8Array()));
}

function take(of: AddProgram, release: SensorRelease, signature: Uint8Array): AddedProgram {
  const { folder, file, allow_downgrade } = of;
  const { programs, leftovers } = readProgramFolder(folder);
  for (const name of leftovers) rmSync(join(folder, name), { force: true });
  const same = programs.filter(({ platform }) => platform === release.platform);
  const { version, platform, sha256, size_bytes } = release;
  const program = { version, platform, sha256, size_bytes, ...programPlace(folder, platform, version) };
  if (same[0]?.version === version && same[0].sha256 === sha256) return { program, known: true, removed: [] };
  const notOlder = same.filter((known) => Bun.semver.order(known.version, version) >= 0);
  if (notOlder[0] !== undefined && !allow_downgrade) throw older(release, notOlder[0]);
  requireRoom(of, size_bytes);
  const made = join(folder, '.adding');
  try {
    const found = copyHashed(file, made);
    if (found !== sha256) throw other(file, `has SHA-256 ${found}, signed is ${sha256}`);
    removeAll(notOlder);
    publish(made, program.file);
  } finally {
    rmSync(made, { force: true });
  }
  writeFileAtomic(`${made}.dsse`, signature);
  // From here on it is offered.
  publish(`${made}.dsse`, program.signature_file);
  const excess = same.filter((known) => !notOlder.includes(known)).slice(VERSIONS_KEPT - 1);
  removeAll(excess);
  fsyncFolder(folder);
  return { program, known: false, removed: [...notOlder, ...excess] };
}

/**
 * Takes one away; a sensor that fetches it at the moment gets it to its end.
 *
 * @throws BulkheadError SENSOR_PROGRAM_NONE, SENSOR_PROGRAMS_BUSY, SENSOR_PROGRAMS_FAILED
 */
export function removeProgram(folder: string, platform: string, version: string): SensorProgram {
  return changing(folder, () => {
    const program = readProgramFolder(folder).programs.find(
      (known) => known.platform === platform && known.version === version,
    );
    if (program === undefined)
      throw new BulkheadError('SENSOR_PROGRAM_NONE', `there is no program ${version} for ${platform}`, {
        hint: "'bulkhead sensors program list' has them",
      });
    removeAll([program]);
    fsyncFolder(folder);
    return program;
  });
}

/** For everybody to read, whatever the mask of the one who calls. */
function publish(made: string, name: string): void {
  chmodSync(made, 0o644);
  renameSync(made, name);
}

/** The signature first: without it the program does not count. */
function removeAll(programs: readonly SensorProgram[]): void {
  for (const { signature_file } of programs) rmSync(signature_file, { force: true });
  for (const { file } of programs) rmSync(file, { force: true });
}

/** One at a time. */
function changing<T>(folder: string, change: () => T): T {
  try {
    mkdirSync(folder, { recursive: true });
    // Whatever the mask of the one who calls: the service of the site has to read it.
    chmodSync(folder, 0o755);
    const lock = openSync(join(folder, '.lock'), 'w', 0o600);
    try {
      if (lockFile(lock, 0)) return change();
      throw new BulkheadError('SENSOR_PROGRAMS_BUSY', `somebody else is changing ${folder}`, {
        hint: 'wait until that has ended',
      });
    } finally {
      closeSync(lock);
    }
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('SENSOR_PROGRAMS_FAILED', `cannot change ${folder}`, {
      cause,
      hint: 'as root: sudo bulkhead sensors program …; is the data partition full or read-only?',
    });
  }
}

function readGiven<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new BulkheadError('SENSOR_PROGRAM_UNREADABLE', `cannot read ${path}`, {
      cause,
      hint: 'name the program, and its signature where that does not lie beside it as FILE.dsse',
    });
  }
}

function requireRoom(
  { folder, leaves_bytes = PROGRAMS_LEAVE_BYTES }: AddProgram,
  wanted_bytes: number,
): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= wanted_bytes + leaves_bytes) return;
  throw new BulkheadError(
    'SENSOR_PROGRAMS_NO_ROOM',
    `the program has ${formatBytes(wanted_bytes)}, and ${formatBytes(leaves_bytes)} stay free beside it; ${folder} has ${formatBytes(bavail * bsize)}`,
    { hint: 'remove one that is not needed any more: sudo bulkhead sensors program remove' },
  );
}

/** @returns SHA-256 of what was copied, in hex */
function copyHashed(from: string, to: string): string {
  const source = readGiven(from, () => openSync(from, 'r'));
  const hash = createHash('sha256');
  try {
    const target = openSync(to, 'w', 0o644);
    try {
      const buffer = new Uint8Array(COPY_BYTES);
      for (let got = readSync(source, buffer); got > 0; got = readSync(source, buffer)) {
        const part = buffer.subarray(0, got);
        hash.update(part);
        for (let written = 0; written < got; ) written += writeSync(target, part, written);
      }
      fsyncSync(target);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
  return hash.digest('hex');
}

function other(file: string, what: string): BulkheadError {
  return new BulkheadError('SENSOR_PROGRAM_OTHER', `${file} is not the program that was signed: it ${what}`, {
    hint: 'take both files from the same build, and compare them with where they came from',
  });
}

function older(release: SensorRelease, known: SensorProgram): BulkheadError {
  return new BulkheadError(
    'SENSOR_PROGRAM_OLDER',
    `version ${release.version} for ${release.platform} is not newer than ${known.version}, which is offered`,
    {
      hint: '--allow-downgrade takes it all the same and removes the newer ones; sensors that run them stay with them',
    },
  );
}
