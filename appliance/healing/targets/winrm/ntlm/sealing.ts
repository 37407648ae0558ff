import { type Cipheriv, createCipheriv, timingSafeEqual } from 'node:crypto';
import { BulkheadError } from '../../../../../base/errors.ts';
import { hmacMd5, md5 } from './hashes.ts';

/** Bytes of a signature (MS-NLMP 2.2.2.9.2). */
export const SIGNATURE_BYTES = 16;
const VERSION_1 = 1;

/** One direction of a session: signs and encrypts, or decrypts and checks. The order of messages is part of what is checked. */
class Direction {
  private readonly cipher: Cipheriv;
  private readonly sign_key: Buffer;
  private sequence = 0;

  constructor(session_key: Uint8Array, from: 'client' | 'server') {
    const words = from === 'client' ? 'client-to-server' : 'server-to-client';
    const key = (use: string) =>
      md5(session_key, Buffer.from(`session key to ${words} ${use} key magic constant\0`, 'latin1'));
    this.sign_key = key('signing');
    this.cipher = createCipheriv('rc4', key('sealing'), null);
  }

  crypt(bytes: Uint8Array): Buffer {
    return this.cipher.update(bytes);
  }

  /** MS-NLMP 3.4.4.2, with key exchange. */
  signature(plain: Uint8Array): Buffer {
    const sequence = Buffer.alloc(4);
    sequence.writeUInt32LE(this.sequence);
    this.sequence += 1;
    const code = this.crypt(hmacMd5(this.sign_key, sequence, plain).subarray(0, 8));
    const signature = Buffer.alloc(SIGNATURE_BYTES);
    signature.writeUInt32LE(VERSION_1, 0);
    code.copy(signature, 4);
    sequence.copy(signature, 12);
    return signature;
  }
}

/** Message protection of one session (MS-NLMP 3.4.3), from the side of the client or, in tests, of the server. */
export interface NtlmSealing {
  seal(plain: Uint8Array): { signature: Buffer; sealed: Buffer };
  /** @throws BulkheadError NTLM_SIGNATURE_WRONG for a message that was changed, repeated, left out, or came from somebody else */
  unseal(signature: Uint8Array, sealed: Uint8Array): Buffer;
}

export function ntlmSealing(session_key: Uint8Array, side: 'client' | 'server' = 'client'): NtlmSealing {
  const out = new Direction(session_key, side);
  const back = new Direction(session_key, side === 'client' ? 'server' : 'client');
  return {
    seal(plain) {
      const sealed = out.crypt(plain);
      return { signature: out.signature(plain), sealed };
    },
    unseal(signature, sealed) {
      const plain = back.crypt(sealed);
      const right = back.signature(plain);
      if (signature.length === right.length && timingSafeEqual(signature, right)) return plain;
      throw new BulkheadError(
        'NTLM_SIGNATURE_WRONG',
        'a message was not signed by the machine that was logged in to',
        {
          hint: 'something changes what is said on the way; give the machine a certificate and use port 5986',
        },
      );
    },
  };
}
