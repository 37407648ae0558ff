import { createPrivateKey } from 'node:crypto';
import { signEd25519 } from '../../base/signing/ed25519.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import type { RequestSigner } from '../../protocol/http-signature/sign.ts';
import { type DeviceKey, formatKeyFile } from './key-file.ts';
import { SEED_BYTES } from './limits.ts';

/** Signs requests with the device key. The key is imported once: that costs more than a signature. */
export function requestSigner({ publicKey, secretKey }: DeviceKey): RequestSigner {
  const key = createPrivateKey(formatKeyFile(secretKey.subarray(0, SEED_BYTES)));
  return { key_id: deviceIdOf(publicKey), sign: (message) => signEd25519(key, message) };
}
