import { createCipheriv, createHash, createHmac } from 'node:crypto';

/**
 * The server's side of NTLMv2, written from MS-NLMP 3.2 and 3.4 and sharing nothing with the client it judges: who gets the proof, the
 * code over all messages, the channel or a signature wrong is turned away.
 */
export interface NtlmAccount {
  user: string;
  domain: string;
  password: string;
}

const hmac = (key: Buffer, data: Buffer) => createHmac('md5', key).update(data).digest();
const md5 = (data: Buffer) => createHash('md5').update(data).digest();
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const rc4 = (key: Buffer) => createCipheriv('rc4', key, null);

function pair(id: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + value.length);
  bytes.writeUInt16LE(id, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

export interface Challenge {
  message: Buffer;
  nonce: Buffer;
  info: Buffer;
}

/** CHALLENGE_MESSAGE, 2.2.1.2: what Windows 10 offers, with its time in the target information. */
export function makeChallenge(nonce: Buffer, without_flags = 0): Challenge {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(Date.now()) + 11_644_473_600_000n) * 10_000n);
  const info = Buffer.concat([
    pair(2, utf16('CLINIC')),
    pair(1, utf16('DESK-7')),
    pair(4, utf16('clinic.example')),
    pair(3, utf16('desk-7.clinic.example')),
    pair(7, time),
    pair(0, Buffer.alloc(0)),
  ]);
  const name = utf16('CLINIC');
  const head = Buffer.alloc(56);
  head.write('NTLMSSP\0', 0, 'latin1');
  head.writeUInt32LE(2, 8);
  head.writeUInt16LE(name.length, 12);
  head.writeUInt16LE(name.length, 14);
  head.writeUInt32LE(56, 16);
  head.writeUInt32LE((0xe28a_8235 & ~without_flags) >>> 0, 20);
  nonce.copy(head, 24);
  head.writeUInt16LE(info.length, 40);
  head.writeUInt16LE(info.length, 42);
  head.writeUInt32LE(56 + name.length, 44);
  return { message: Buffer.concat([head, name, info]), nonce, info };
}

/** Whether an AUTHENTICATE_MESSAGE proves the account; the key of the session then, otherwise why not. */
export function judgeAuthenticate(
  negotiate: Buffer,
  challenge: Challenge,
  authenticate: Buffer,
  account: NtlmAccount,
  channel: Buffer | null,
): { session_key: Buffer } | { refused: string } {
  const refused = (why: string) => ({ refused: why });
  const field = (at: number) => {
    const size = authenticate.readUInt16LE(at);
    const offset = authenticate.readUInt32LE(at + 4);
    return authenticate.subarray(offset, offset + size);
  };
  if (authenticate.toString('latin1', 0, 8) !== 'NTLMSSP\0' || authenticate.readUInt32LE(8) !== 3)
    return refused('no AUTHENTICATE_MESSAGE');
  const user = field(36).toString('utf16le');
  const domain = field(28).toString('utf16le');
  if (user.toLowerCase() !== account.user.toLowerCase()) return refused('another user');
  if (domain !== '' && domain.toLowerCase() !== account.domain.toLowerCase())
    return refused('another domain');
  const password_hash = createHash('md4').update(utf16(account.password)).digest();
  // The domain as the client wrote it counts (3.3.2).
  const key = hmac(password_hash, utf16(user.toUpperCase() + domain));
  const response = field(20);
  const proof = response.subarray(0, 16);
  const blob = response.subarray(16);
  if (!hmac(key, Buffer.concat([challenge.nonce, blob])).equals(proof)) return refused('wrong proof');
  if (blob[0] !== 1 || blob[1] !== 1) return refused('another version of the response');
  const ours = challenge.info.subarray(0, -4);
  const theirs = blob.subarray(28);
  if (!theirs.subarray(0, ours.length).equals(ours)) return refused('target information was changed');
  const pairs = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= theirs.length && theirs.readUInt16LE(at) !== 0; ) {
    const size = theirs.readUInt16LE(at + 2);
    pairs.set(theirs.readUInt16LE(at), theirs.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  if (!pairs.get(10)?.equals(channel ?? Buffer.alloc(16))) return refused('another channel');
  if (!field(12).equals(Buffer.alloc(24))) return refused('an LM response in spite of the time');
  const exported = rc4(hmac(key, proof)).update(field(52));
  if (((pairs.get(6)?.readUInt32LE(0) ?? 0) & 2) === 0) return refused('no code over all messages');
  const blank = Buffer.from(authenticate);
  blank.fill(0, 72, 88);
  const code = hmac(exported, Buffer.concat([negotiate, challenge.message, blank]));
  if (!code.equals(authenticate.subarray(72, 88))) return refused('wrong code over all messages');
  return { session_key: exported };
}

/** Seals for the server and opens what the client sealed (3.4.4.2, 3.4.5). */
export class ServerSealing {
  private readonly keys: Record<'in' | 'out', { sign: Buffer; stream: ReturnType<typeof rc4>; next: number }>;

  constructor(session_key: Buffer) {
    const magic = (way: string, use: string) =>
      md5(Buffer.concat([session_key, Buffer.from(`session key to ${way} ${use} key magic constant\0`)]));
    const direction = (way: string) => ({
      sign: magic(way, 'signing'),
      stream: rc4(magic(way, 'sealing')),
      next: 0,
    });
    this.keys = { in: direction('client-to-server'), out: direction('server-to-client') };
  }

  open(signature: Buffer, sealed: Buffer): Buffer | null {
    const plain = this.keys.in.stream.update(sealed);
    return this.sign('in', plain).equals(signature) ? plain : null;
  }

  seal(plain: Buffer): Buffer {
    const sealed = this.keys.out.stream.update(plain);
    const size = Buffer.from([16, 0, 0, 0]);
    return Buffer.concat([size, this.sign('out', plain), sealed]);
  }

  private sign(way: 'in' | 'out', plain: Buffer): Buffer {
    const key = this.keys[way];
    const number = Buffer.alloc(4);
    number.writeUInt32LE(key.next);
    key.next += 1;
    const code = key.stream.update(hmac(key.sign, Buffer.concat([number, plain])).subarray(0, 8));
    return Buffer.concat([Buffer.from([1, 0, 0, 0]), code, number]);
  }
}
