import { contentDigest } from './content-digest.ts';
import {
  COVERED_COMPONENTS,
  DEVICE_PROFILE,
  SEQUENCE_FIELD,
  SIGNATURE_LABEL,
  type SignatureProfile,
} from './profile.ts';
import { signatureBase } from './signature-base.ts';
import { serialiseBytes, serialiseInput } from './structured-fields.ts';

export interface RequestToSign {
  method: string;
  url: URL;
  body: Uint8Array;
}

export interface RequestSigner {
  /** Device id of the key: its SHA-256, 64 hexadecimal digits. Of a session key its name. */
  key_id: string;
  /** None: the key of the device. */
  profile?: SignatureProfile;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The fields that make a request a signed one (RFC 9421, RFC 9530), to be added to whatever it carries else.
 *
 * @param sequence higher than in any request of this key before
 * @param created_s seconds since 1970 by the clock of the coordinator, as far as it is known
 */
export function signRequest(
  { method, url, body }: RequestToSign,
  signer: RequestSigner,
  { sequence, created_s }: { sequence: number; created_s: number },
): Record<string, string> {
  const fields: Record<string, string> = {
    'content-digest': contentDigest(body),
    [SEQUENCE_FIELD]: String(sequence),
  };
  const { alg, tag } = signer.profile ?? DEVICE_PROFILE;
  const text = serialiseInput(COVERED_COMPONENTS, { created: created_s, keyid: signer.key_id, alg, tag });
  const request = {
    ...{ method, authority: url.host, path: url.pathname, query: url.search },
    field: (name: string) => fields[name] ?? null,
  };
  const base = signatureBase(request, { components: COVERED_COMPONENTS, text });
  return {
    ...fields,
    'signature-input': `${SIGNATURE_LABEL}=${text}`,
    signature: `${SIGNATURE_LABEL}=${serialiseBytes(signer.sign(base))}`,
  };
}
