import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SensorPlatform, signSensorRelease } from '../../appliance/sensors/client/update/release.ts';
import type { Run } from '../../base/run.ts';
import { compileProgram } from '../../iso/build/compile-program.ts';
import { readSigner } from '../../updater/signing/key-file.ts';
import { windowsRuntime } from './windows-runtime.ts';

export interface SensorBuild {
  /** Top of the checkout. */
  source: string;
  dist: string;
  /** Scratch space and caches. */
  build: string;
  /** Key sets whose releases the sensor takes later. */
  keysetFile: string;
  /** Release key that signs what is built. */
  keyFile: string;
  /** The version that is signed; the program itself says that of package.json, or this one where it is another. */
  version: string;
  platforms: readonly SensorPlatform[];
  run: Run;
}

/** Compiles the reference sensor for each platform, and puts its signature beside it. */
export async function buildSensors(of: SensorBuild): Promise<{ file: string; size_bytes: number }[]> {
  const signer = readSigner(of.keyFile);
  const built: { file: string; size_bytes: number }[] = [];
  mkdirSync(of.dist, { recursive: true });
  mkdirSync(of.build, { recursive: true });
  for (const platform of of.platforms) {
    const windows = platform === 'windows-x64';
    const file = join(of.dist, `bulkhead-sensor-${platform}${windows ? '.exe' : ''}`);
    const main = join(of.source, 'appliance/sensors/client/program/main.ts');
    await compileProgram(of.run, main, file, of.build, {
      target: windows ? 'bun-windows-x64' : 'bun-linux-x64',
      ...(windows ? { runtime: await windowsRuntime(of) } : {}),
      define: {
        BULKHEAD_SENSOR_KEYSET: readFileSync(of.keysetFile, 'utf8'),
        BULKHEAD_SENSOR_VERSION: of.version,
      },
    });
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const release = { version: of.version, platform, size_bytes: bytes.length, sha256 };
    writeFileSync(`${file}.dsse`, signSensorRelease(release, signer));
    built.push({ file, size_bytes: bytes.length });
  }
  return built;
}
