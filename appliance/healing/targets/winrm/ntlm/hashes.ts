import { createHash, createHmac } from 'node:crypto';

/** The one-way functions of NTLMv2 (MS-NLMP 3.3.2). NTLMv1 and LM do not exist here. */
export interface Ntlmv2Response {
  /** Goes into the message: the proof and what it was made over. */
  nt_response: Buffer;
  lm_response: Buffer;
  session_base_key: Buffer;
}

export interface Ntlmv2Input {
  user: string;
  domain: string;
  password: string;
  server_challenge: Uint8Array;
  client_challenge: Uint8Array;
  /** 100 ns since 1601, little-endian (FILETIME). */
  timestamp: Uint8Array;
  /** The server's attributes, with ours, up to and with the end mark. */
  target_info: Uint8Array;
  /** The server told its time: then the old response is left empty (MS-NLMP 3.1.5.1.2). */
  without_lm: boolean;
}

export function ntlmv2Response(input: Ntlmv2Input): Ntlmv2Response {
  const key = ntowfv2(input);
  const temp = Buffer.concat([
    Buffer.from('0101000000000000', 'hex'),
    input.timestamp,
    input.client_challenge,
    Buffer.alloc(4),
    input.target_info,
    Buffer.alloc(4),
  ]);
  const proof = hmacMd5(key, input.server_challenge, temp);
  const lm = hmacMd5(key, input.server_challenge, input.client_challenge);
  return {
    nt_response: Buffer.concat([proof, temp]),
    lm_response: input.without_lm ? Buffer.alloc(24) : Buffer.concat([lm, input.client_challenge]),
    session_base_key: hmacMd5(key, proof),
  };
}

/** The key that stands for the password: it is as good as the password itself. */
export function ntowfv2({
  user,
  domain,
  password,
}: Pick<Ntlmv2Input, 'user' | 'domain' | 'password'>): Buffer {
  const hash = createHash('md4').update(unicode(password)).digest();
  return hmacMd5(hash, unicode(user.toUpperCase() + domain));
}

export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('md5', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

export function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function unicode(text: string): Buffer {
  return Buffer.from(text, 'utf16le');
}
