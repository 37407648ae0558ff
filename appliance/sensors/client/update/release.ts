import { type Static, Type as t } from '@sinclair/typebox';
import { BulkheadError } from '../../../../base/errors.ts';
import { OneOf } from '../../../../base/schema.ts';
import {
  type Envelope,
  parseEnvelope,
  type Signer,
  serialiseEnvelope,
  signEnvelope,
} from '../../../../base/signing/dsse.ts';
import { parseSignedJson } from '../../../../base/signing/signed-json.ts';
import { requireReleaseSignature, type TrustedKeys } from '../../../../updater/signing/trust.ts';
import type { UpdateOffer } from '../sdk/link.ts';
import { PROGRAM_MAX_BYTES } from './limits.ts';

/**
 * What a release key says about one program file: a DSSE envelope that lies beside the program, at its address with `.dsse` behind it.
 * The appliance offers, but it cannot make anything run that the release keys did not sign.
 */
const PAYLOAD_TYPE = 'application/vnd.bulkhead.sensor.v1+json';

export const SENSOR_PLATFORMS = ['linux-x64', 'windows-x64'] as const;
export type SensorPlatform = (typeof SENSOR_PLATFORMS)[number];

/** Of the versions that are ordered by their numbers. */
export const RELEASE_VERSION = /^\d{1,6}\.\d{1,6}\.\d{1,6}(-[0-9A-Za-z.-]{1,40})?$/;

const SensorRelease = t.Object(
  {
    format: t.Literal(1),
    program: t.Literal('bulkhead-sensor'),
    version: t.String({ pattern: RELEASE_VERSION.source }),
    platform: OneOf(SENSOR_PLATFORMS),
    size_bytes: t.Integer({ minimum: 1, maximum: PROGRAM_MAX_BYTES }),
    /** Lower-case hex. */
    sha256: t.String({ pattern: '^[0-9a-f]{64}$' }),
  },
  { additionalProperties: false },
);
export type SensorRelease = Static<typeof SensorRelease>;

/** The envelope as it lies beside the program. */
export function signSensorRelease(
  release: Omit<SensorRelease, 'format' | 'program'>,
  signer: Signer,
): Uint8Array {
  const { version, platform, size_bytes, sha256 } = release;
  const whole: SensorRelease = {
    format: 1,
    program: 'bulkhead-sensor',
    version,
    platform,
    size_bytes,
    sha256,
  };
  const payload = new TextEncoder().encode(JSON.stringify(whole));
  return serialiseEnvelope(signEnvelope({ payloadType: PAYLOAD_TYPE, payload, signatures: [] }, signer));
}

/** @throws BulkheadError SENSOR_RELEASE_INVALID, those of parseEnvelope and requireReleaseSignature */
export function verifySensorRelease(bytes: Uint8Array, trusted: TrustedKeys, now: Date): SensorRelease {
  const envelope = parseEnvelope(bytes, PAYLOAD_TYPE);
  requireReleaseSignature(envelope, trusted, now);
  return releaseIn(envelope);
}

/** What an envelope says, whoever signed it: for files that were verified before they were put where they are. */
export function readSensorRelease(bytes: Uint8Array): SensorRelease {
  return releaseIn(parseEnvelope(bytes, PAYLOAD_TYPE));
}

function releaseIn(envelope: Envelope): SensorRelease {
  try {
    return parseSignedJson(envelope.payload, SensorRelease);
  } catch (cause) {
    throw new BulkheadError('SENSOR_RELEASE_INVALID', 'what was signed is no release of the sensor', {
      cause,
    });
  }
}

/**
 * Whether a signed release is what was offered, and something for this machine. Pure.
 *
 * @throws BulkheadError SENSOR_RELEASE_OTHER, SENSOR_RELEASE_PLATFORM, SENSOR_RELEASE_OLDER
 */
export function admitSensorRelease(
  release: SensorRelease,
  offer: UpdateOffer,
  machine: { platform: SensorPlatform; version: string },
): void {
  if (release.version !== offer.version || release.sha256 !== offer.sha256.toLowerCase())
    throw new BulkheadError(
      'SENSOR_RELEASE_OTHER',
      `version ${offer.version} was offered; what is signed is ${release.version} with SHA-256 ${release.sha256}`,
      { hint: 'the appliance names another file than the one beside the signature' },
    );
  if (release.platform !== machine.platform)
    throw new BulkheadError(
      'SENSOR_RELEASE_PLATFORM',
      `the program is for ${release.platform}; this machine is ${machine.platform}`,
    );
  if (Bun.semver.order(release.version, machine.version) <= 0)
    throw new BulkheadError(
      'SENSOR_RELEASE_OLDER',
      `version ${release.version} is not newer than ${machine.version}, which runs`,
      { hint: 'an older program is put in place by hand' },
    );
}
