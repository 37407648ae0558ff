import { privateKeyFrom, signEd25519 } from '../../../base/signing/ed25519.ts';
import { createSessionKeys } from '../../../coordinator/reports/session-keys.ts';
import { keyOf, seedOf } from '../../../coordinator/simulate/identity.ts';
import { type RequestSigner, signRequest } from '../../../protocol/http-signature/sign.ts';
import { sessionSigner, wishForSessionKey } from '../../../protocol/session-key/session-key.ts';
import { FLEET_VERSION } from '../../../test/coordinator/fill-fleet.ts';
import { type NextRequest, requestBytes } from './load.ts';

/** Appliances of a fleet that send in a load. */
export interface Senders {
  count: number;
  /** So many heartbeats of each, made beforehand: one round after the other. Each call goes on above the sequences before. */
  heartbeats(port: number, rounds: number, sessions: boolean): NextRequest;
}

/**
 * @param secret of the coordinator, for session keys: given and opened here as they would be over the wire
 * @param first place of the first of them in the fleet
 */
export function makeSenders(seed: string, count: number, secret: Uint8Array, first = 0): Senders {
  const keys = createSessionKeys(secret, Date.now);
  const devices = Array.from({ length: count }, (_, at) => {
    const { key_id } = keyOf(seed, first + at);
    const key = privateKeyFrom(seedOf(seed, first + at));
    return { key_id, sign: (message: Uint8Array) => signEd25519(key, message) };
  });
  const sessions = new Map<string, RequestSigner>();
  const sessionOf = (key_id: string): RequestSigner => {
    const known = sessions.get(key_id);
    if (known) return known;
    const wish = wishForSessionKey();
    const grant = keys.grant(key_id, wish.public_key);
    const session = grant && wish.take(grant, key_id);
    if (!session) throw new Error('a session key was not given');
    const signer = sessionSigner(session);
    sessions.set(key_id, signer);
    return signer;
  };
  // Above those of every part that was made before.
  let sequence = Date.now();
  const body = new TextEncoder().encode(
    JSON.stringify({ agent_version: FLEET_VERSION, uptime_s: 60, state_digest: null }),
  );
  return {
    count,
    heartbeats(port, rounds, inSession) {
      const url = new URL(`http://127.0.0.1:${port}/agent/heartbeat`);
      const created_s = Math.floor(Date.now() / 1000);
      const requests: Uint8Array[] = [];
      for (let round = 0; round < rounds; round += 1) {
        sequence += 1;
        for (const device of devices) {
          const signer = inSession ? sessionOf(device.key_id) : device;
          const fields = signRequest({ method: 'POST', url, body }, signer, { sequence, created_s });
          requests.push(requestBytes({ port, path: url.pathname }, fields, body));
        }
      }
      let at = 0;
      return () => requests[at++];
    },
  };
}
