import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../../../../base/errors.ts';
import { formatInstant } from '../../../../base/signing/instant.ts';
import { findAuthority } from '../sdk/authority.ts';
import { judgeFailure, pause_ms } from '../sdk/failure.ts';
import { claimFingerprint, expiryOf, readIdentity, writeIdentity } from '../sdk/identity.ts';
import { enrol } from '../sdk/registration.ts';
import { type SensorConfig, stateFiles } from './config.ts';
import { machineFacts } from './machine.ts';
import { connection } from './run-sensor.ts';

export interface EnrolledFacts {
  agent_id: string;
  tier: string;
  /** RFC 3339. */
  certificate_until: string;
}

/**
 * Lets the sensor in, and waits for it where somebody has to approve it.
 *
 * @param say told what the person beside it has to know
 * @throws BulkheadError SENSOR_NOT_ADMITTED, and those of the configuration
 */
export async function enrolSensor(
  config: SensorConfig,
  timeout_s: number,
  say: (line: string) => void,
): Promise<EnrolledFacts> {
  const { address, authority } = connection(config);
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  const { identity: file } = stateFiles(config.state);
  const identity = {
    read: () => readIdentity(file),
    write: (made: Parameters<typeof writeIdentity>[1]) => writeIdentity(file, made),
  };
  const until_ms = Date.now() + timeout_s * 1000;
  let said = '';
  for (let failures = 1; ; failures += 1) {
    try {
      const { admission } = await enrol({
        ...{ address, server_name: config.server_name, code: config.code, facts: machineFacts(), identity },
        findRoot: () => findAuthority(address, authority),
      });
      const { agent_id, tier, certificate_pem } = admission;
      return { agent_id, tier, certificate_until: formatInstant(expiryOf(certificate_pem)) };
    } catch (error) {
      const failure = judgeFailure(error, true);
      const wait_ms = pause_ms(failure, failures, Math.random());
      if (failure.reaction === 'refused' || Date.now() + wait_ms > until_ms)
        throw new BulkheadError('SENSOR_NOT_ADMITTED', `this sensor was not let in: ${failure.why}`, {
          cause: error,
          hint:
            failure.reaction === 'waiting'
              ? 'ask again when somebody has approved it: the claim stays the same'
              : 'a code counts once, and for a day',
        });
      const claim = identity.read()?.claim;
      const words =
        failure.reaction === 'waiting' && claim !== undefined
          ? `waiting until somebody approves the fingerprint ${claimFingerprint(claim)}`
          : `${failure.why}; trying again`;
      if (words !== said) say(words);
      said = words;
      await sleep(wait_ms);
    }
  }
}
