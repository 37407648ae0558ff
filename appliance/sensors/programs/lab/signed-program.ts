import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Signer } from '../../../../base/signing/dsse.ts';
import { type SensorPlatform, signSensorRelease } from '../../client/update/release.ts';

export interface ProgramFiles {
  file: string;
  signature_file: string;
  sha256: string;
}

/** A program and its signature as a build leaves them. */
export function signedProgram(
  folder: string,
  of: { version: string; program: string; signer: Signer; platform?: SensorPlatform },
): ProgramFiles {
  const { version, program, signer, platform = 'linux-x64' } = of;
  const file = join(folder, `bulkhead-sensor-${version}`);
  const sha256 = createHash('sha256').update(program).digest('hex');
  writeFileSync(file, program);
  const release = { version, platform, size_bytes: Buffer.byteLength(program), sha256 };
  writeFileSync(`${file}.dsse`, signSensorRelease(release, signer));
  return { file, signature_file: `${file}.dsse`, sha256 };
}
