import { describe, expect, it } from 'vitest';
import { readAttributes, writeAttributes } from './attributes.ts';
import { AV, NTLM } from './flags.ts';
import { ntlmv2Response, ntowfv2 } from './hashes.ts';
import { authenticateMessage, negotiateMessage, readChallenge } from './messages.ts';
import { ntlmSealing } from './sealing.ts';

/** Values of MS-NLMP section 4.2.1 (common) and 4.2.4 (NTLMv2). */
const WHO = { user: 'User', domain: 'Domain', password: 'Password' };
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const SERVER_CHALLENGE = hex('01 23 45 67 89 ab cd ef');
const CLIENT_CHALLENGE = Buffer.alloc(8, 0xaa);
const SESSION_KEY = Buffer.alloc(16, 0x55);
const TARGET_INFO = hex(
  '02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00 01 00 0c 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00',
);
const INPUT = {
  ...WHO,
  server_challenge: SERVER_CHALLENGE,
  client_challenge: CLIENT_CHALLENGE,
  timestamp: Buffer.alloc(8),
  target_info: TARGET_INFO,
  without_lm: false,
};
/** 4.2.4.3, CHALLENGE_MESSAGE: its flags ask for everything that is needed here. */
const CHALLENGE = Buffer.concat([
  hex('4e 54 4c 4d 53 53 50 00 02 00 00 00 0c 00 0c 00 38 00 00 00 33 82 8a e2'),
  SERVER_CHALLENGE,
  Buffer.alloc(8),
  hex('24 00 24 00 44 00 00 00 06 00 70 17 00 00 00 0f'),
  hex('53 00 65 00 72 00 76 00 65 00 72 00'),
  TARGET_INFO,
]);
const chance = () => {
  const drawn = [CLIENT_CHALLENGE, SESSION_KEY];
  return { random: () => drawn.shift() ?? Buffer.alloc(0), now: () => new Date(-11_644_473_600_000) };
};

describe('NTLMv2 by the values of its specification', () => {
  it('makes the key of the password (4.2.4.1.1)', () => {
    expect(ntowfv2(WHO).toString('hex')).toBe('0c868a403bfd7a93a3001ef22ef02e3f');
  });

  it('makes the responses and the base key (4.2.4.1, 4.2.4.2)', () => {
    const made = ntlmv2Response(INPUT);
    expect(made.lm_response.toString('hex')).toBe('86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
    expect(made.nt_response.subarray(0, 16).toString('hex')).toBe('68cd0ab851e51c96aabc927bebef6a1c');
    expect(made.session_base_key.toString('hex')).toBe('8de40ccadbc14a82f15cb0ad0de95ca3');
  });

  it('makes the message that authenticates (4.2.4.3), in our order of fields', () => {
    const { message, session_key } = authenticateMessage(WHO, readChallenge(CHALLENGE), chance(), {
      ...{ service: 'HTTP/server', channel: null, workstation: 'COMPUTER' },
    });
    const field = (index: number) => {
      const at = message.readUInt32LE(16 + index * 8);
      return message.subarray(at, at + message.readUInt16LE(12 + index * 8)).toString('hex');
    };
    expect(field(0)).toBe('86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
    expect(field(1).slice(0, 32)).toBe('68cd0ab851e51c96aabc927bebef6a1c');
    expect(field(5)).toBe('c5dad2544fc9799094ce1ce90bc9d03e');
    expect(session_key).toEqual(SESSION_KEY);
    expect([2, 3, 4].map((index) => Buffer.from(field(index), 'hex').toString('utf16le'))).toEqual([
      'Domain',
      'User',
      'COMPUTER',
    ]);
  });

  it('seals and signs (4.2.4.4)', () => {
    const { signature, sealed } = ntlmSealing(SESSION_KEY).seal(Buffer.from('Plaintext', 'utf16le'));
    expect(sealed.toString('hex')).toBe('54e50165bf1936dc996020c1811b0f06fb5f');
    expect(signature.toString('hex')).toBe('010000007fb38ec5c55d497600000000');
  });
});

describe('a session of NTLM', () => {
  it('carries messages both ways, and each only once, in order and unchanged', () => {
    const client = ntlmSealing(SESSION_KEY);
    const server = ntlmSealing(SESSION_KEY, 'server');
    for (const text of ['one', '', 'two', 'x'.repeat(70_000)]) {
      const there = client.seal(Buffer.from(text));
      expect(server.unseal(there.signature, there.sealed).toString()).toBe(text);
      const back = server.seal(Buffer.from(`${text}!`));
      expect(client.unseal(back.signature, back.sealed).toString()).toBe(`${text}!`);
    }
    const wrong = { code: 'NTLM_SIGNATURE_WRONG' };
    const first = server.seal(Buffer.from('first'));
    first.sealed[0] = (first.sealed[0] ?? 0) ^ 1;
    expect(() => client.unseal(first.signature, first.sealed)).toThrow(expect.objectContaining(wrong));
    const other = ntlmSealing(SESSION_KEY, 'server');
    const again = other.seal(Buffer.from('a'));
    const reader = ntlmSealing(SESSION_KEY);
    reader.unseal(again.signature, again.sealed);
    expect(() => reader.unseal(again.signature, again.sealed)).toThrow(expect.objectContaining(wrong));
    expect(() => ntlmSealing(SESSION_KEY).unseal(Buffer.alloc(3), Buffer.alloc(3))).toThrow(
      expect.objectContaining(wrong),
    );
  });

  it('is not begun with a server that offers less', () => {
    for (const flag of [
      NTLM.KEY_128,
      NTLM.KEY_EXCHANGE,
      NTLM.EXTENDED_SESSION_SECURITY,
      NTLM.SEAL,
      NTLM.SIGN,
    ]) {
      const weak = Buffer.from(CHALLENGE);
      weak.writeUInt32LE((weak.readUInt32LE(20) & ~flag) >>> 0, 20);
      expect(() => readChallenge(weak)).toThrow(expect.objectContaining({ code: 'NTLM_TOO_WEAK' }));
    }
  });

  it('is not begun on a damaged challenge, wherever it is cut', () => {
    for (let size = 0; size < CHALLENGE.length; size += 1) {
      expect(() => readChallenge(CHALLENGE.subarray(0, size)), String(size)).toThrow(
        expect.objectContaining({ code: 'NTLM_CHALLENGE_INVALID' }),
      );
    }
    expect(() => readChallenge(negotiateMessage())).toThrow(
      expect.objectContaining({ code: 'NTLM_CHALLENGE_INVALID' }),
    );
  });

  it('proves all three messages and the channel where the server tells its time', () => {
    const time = { id: AV.TIMESTAMP, value: Buffer.alloc(8, 7) };
    const info = writeAttributes([time]);
    const message = Buffer.concat([CHALLENGE.subarray(0, 56), info]);
    message.writeUInt16LE(info.length, 40);
    message.writeUInt32LE(56, 44);
    const channel = Buffer.alloc(16, 9);
    const made = authenticateMessage(WHO, readChallenge(message), chance(), { service: 'HTTP/x', channel });
    expect(made.message.subarray(72, 88)).not.toEqual(Buffer.alloc(16));
    const at = made.message.readUInt32LE(24);
    const response = made.message.subarray(at, at + made.message.readUInt16LE(20));
    const attributes = readAttributes(response.subarray(44)) ?? [];
    expect(attributes.find(({ id }) => id === AV.CHANNEL_BINDINGS)?.value).toEqual(channel);
    expect(response.subarray(24, 32)).toEqual(time.value);
    // The old response would be weaker and is left out.
    const lm_at = made.message.readUInt32LE(16);
    expect(made.message.subarray(lm_at, lm_at + 24)).toEqual(Buffer.alloc(24));
  });
});
