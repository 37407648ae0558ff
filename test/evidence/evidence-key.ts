import type { EvidenceKey } from '../../appliance/evidence/key.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { type TestKey, testKey } from '../../base/signing/test-key.ts';
import { readEndorsement } from '../../protocol/evidence/endorsed-key.ts';
import { sealStatement } from '../../protocol/evidence/statement.ts';
import { EVIDENCE_KEY } from '../../protocol/evidence/statements.ts';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** An evidence key that a device key vouches for. */
export function evidenceKey(name = 'evidence', device: TestKey = testKey('device')): EvidenceKey {
  const signer = testKey(name);
  const endorsement = sealStatement(
    EVIDENCE_KEY,
    {
      ...{ at: '2026-11-21T20:00:00.000Z', device: deviceIdOf(device.public_key), format: 1, replaces: null },
      ...{ device_key: base64(device.public_key), evidence_key: base64(signer.public_key) },
    },
    device,
  );
  return { signer, endorsement, endorsed: readEndorsement(endorsement, []) };
}
