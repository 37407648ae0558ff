import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generateSealingKey, open, SEAL_BYTES, seal, sealingKeyFrom } from './hpke.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const utf8 = (text: string) => new TextEncoder().encode(text);

/** RFC 9180 appendix A.1.1, the first encryption. */
const RFC = {
  sender: hex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'),
  receiver: hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'),
  public_key: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
  encapsulated_key: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
  info: 'Ode on a Grecian Urn',
  additional: 'Count-0',
  message: 'Beauty is truth, truth beauty',
  sealed: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
};

test('the example of RFC 9180 appendix A.1.1 is sealed as printed there, and opened', () => {
  const receiver = sealingKeyFrom(RFC.receiver);
  expect(toHex(receiver.public_key)).toBe(RFC.public_key);
  const additional = utf8(RFC.additional);
  const options = { additional, sender: sealingKeyFrom(RFC.sender) };
  const made = seal(receiver.public_key, utf8(RFC.info), utf8(RFC.message), options);
  expect(toHex(made.encapsulated_key)).toBe(RFC.encapsulated_key);
  expect(toHex(made.sealed)).toBe(RFC.sealed);
  expect(open(receiver, utf8(RFC.info), made, additional)).toEqual(utf8(RFC.message));
});

test('what was sealed is opened by that key for that purpose, and by nothing else', () => {
  const [ours, other] = [generateSealingKey(), generateSealingKey()];
  const bytes = fc.uint8Array({ maxLength: 100 });
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), (message, info, place) => {
      const made = seal(ours.public_key, info, message);
      expect(made.sealed).toHaveLength(message.length + SEAL_BYTES);
      expect(open(ours, info, made)).toEqual(message);
      expect(open(other, info, made)).toBeUndefined();
      expect(open(ours, Uint8Array.of(...info, 1), made)).toBeUndefined();
      expect(open(ours, info, made, Uint8Array.of(1))).toBeUndefined();
      for (const field of ['sealed', 'encapsulated_key'] as const) {
        const changed = Uint8Array.from(made[field]);
        const at = place % changed.length;
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(open(ours, info, { ...made, [field]: changed })).toBeUndefined();
      }
    }),
    { numRuns: 20 },
  );
});

test('a key under which everybody would know the secret is refused', () => {
  const none = new Uint8Array(32);
  expect(() => seal(none, utf8('x'), utf8('y'))).toThrow();
  const sealed = new Uint8Array(48);
  expect(open(generateSealingKey(), utf8('x'), { encapsulated_key: none, sealed })).toBeUndefined();
  expect(
    open(generateSealingKey(), utf8('x'), { encapsulated_key: new Uint8Array(5), sealed }),
  ).toBeUndefined();
});
