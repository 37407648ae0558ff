import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { signatureCheck } from '../../../base/signing/ed25519.ts';
import { deviceIdOf } from '../../../base/signing/key-id.ts';
import { createSessionKeys } from '../../../coordinator/reports/session-keys.ts';
import { readSignedRequest } from '../../../protocol/http-signature/read.ts';
import { type RequestSigner, signRequest } from '../../../protocol/http-signature/sign.ts';
import { sessionSigner, wishForSessionKey } from '../../../protocol/session-key/session-key.ts';
import { signerOf } from '../../../updater/signing/key-file.ts';
import { CEILING_MS } from './limits.ts';

/** Checks of signatures per second of processor time: what a heartbeat costs at least. */
export function measureChecks(): { ed25519_per_s: number; session_per_s: number } {
  const { public_key, sign } = signerOf(generateKeyPairSync('ed25519').privateKey);
  const key_id = deviceIdOf(public_key);
  const keys = createSessionKeys(randomBytes(32), Date.now);
  const wish = wishForSessionKey();
  const grant = keys.grant(key_id, wish.public_key);
  const session = grant && wish.take(grant, key_id);
  const check = signatureCheck(public_key);
  if (!session || !check) throw new Error('a key of our own is refused');
  const device = signedHeartbeat({ key_id, sign });
  const inSession = signedHeartbeat(sessionSigner(session));
  return {
    ed25519_per_s: perSecond(() => check(device.base, device.signature)),
    session_per_s: perSecond(
      () => inSession.session !== null && keys.check(inSession.session, inSession.base, inSession.signature),
    ),
  };
}

function signedHeartbeat(signer: RequestSigner) {
  const body = new TextEncoder().encode('{"agent_version":"1.0.0","uptime_s":60,"state_digest":null}');
  const url = new URL('http://127.0.0.1:8000/agent/heartbeat');
  const now_s = Math.floor(Date.now() / 1000);
  const fields = signRequest({ method: 'POST', url, body }, signer, { sequence: 1, created_s: now_s });
  return readSignedRequest(
    {
      ...{ method: 'POST', authority: url.host, path: url.pathname, query: '', body },
      field: (name) => fields[name] ?? null,
    },
    { isOwnAuthority: () => true, now_s },
  );
}

function perSecond(act: () => boolean): number {
  const run = (duration_ms: number) => {
    const begun = process.cpuUsage();
    let done = 0;
    let used_s = 0;
    while (used_s * 1000 < duration_ms) {
      for (let count = 0; count < 200; count += 1)
        if (!act()) throw new Error('a right signature is refused');
      done += 200;
      const { user, system } = process.cpuUsage(begun);
      used_s = (user + system) / 1e6;
    }
    return done / used_s;
  };
  // The first runs are those of code that is not compiled yet.
  run(CEILING_MS / 5);
  return Math.round(run(CEILING_MS));
}
