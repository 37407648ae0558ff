import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { sopsFile } from '../../test/unit/sops-file.ts';
import { decryptSops, secretAt } from './sops-decrypt.ts';

let ours: { identity: string; recipient: string };
let theirs: typeof ours;
beforeAll(async () => {
  const key = async () => {
    const identity = await generateX25519Identity();
    return { identity, recipient: await identityToRecipient(identity) };
  };
  [ours, theirs] = [await key(), await key()];
});

const VALUES = {
  backup: { passphrase: 'correct horse', nested: { list: ['a', 'b'] } },
  site: 'clinic-7',
  port: 8443,
  on: true,
  none: null,
};
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error as { code: string }).code,
  );

describe('a file of sops', () => {
  it('is decrypted with the key of any of its recipients, values that stayed readable included', async () => {
    const text = await sopsFile(VALUES, {
      recipients: [theirs.recipient, ours.recipient],
      modified: '2026-05-01T00:00:00Z',
      readable: ['site'],
    });
    expect(text).not.toContain('correct horse');
    for (const { identity } of [ours, theirs]) {
      const { values, modified } = await decryptSops(text, identity, 'file');
      expect(modified).toEqual(new Date('2026-05-01T00:00:00Z'));
      const at = (key: string) => secretAt(values, key, 'file');
      expect(['backup/passphrase', 'backup/nested/list/1', 'site', 'port', 'on'].map(at)).toEqual([
        'correct horse',
        'b',
        'clinic-7',
        '8443',
        'true',
      ]);
    }
  });

  it('is refused by a key that it was not made for', async () => {
    const text = await sopsFile(VALUES, { recipients: [theirs.recipient] });
    expect(await code(decryptSops(text, ours.identity, 'file'))).toBe('SECRETS_NOT_FOR_US');
  });

  it('is refused whole when anything in it was changed, moved, taken away or put back from before', async () => {
    const text = await sopsFile(VALUES, { recipients: [ours.recipient], readable: ['site'] });
    const older = await sopsFile(VALUES, { recipients: [ours.recipient], readable: ['site'] });
    const file = JSON.parse(text) as Record<string, unknown> & {
      backup: { passphrase: string };
      sops: Record<string, unknown>;
    };
    const changes: Record<string, unknown> = {
      'a readable value': { ...file, site: 'clinic-8' },
      'a value away': { ...file, port: undefined },
      'a value more': { ...file, extra: 'x' },
      'a value moved': { ...file, site: file.backup.passphrase },
      'a bit turned': { ...file, backup: { ...file.backup, passphrase: turned(file.backup.passphrase) } },
      'a value of an older file': { ...file, backup: (JSON.parse(older) as typeof file).backup },
      'another time': { ...file, sops: { ...file.sops, lastmodified: '2027-01-01T00:00:00Z' } },
      'the MAC of an older file': {
        ...file,
        sops: { ...file.sops, mac: (JSON.parse(older) as typeof file).sops['mac'] },
      },
    };
    for (const [what, changed] of Object.entries(changes))
      expect(await code(decryptSops(JSON.stringify(changed), ours.identity, 'file')), what).toBe(
        'SECRETS_TAMPERED',
      );
  });

  it('is refused with a reason when it is none, or one whose MAC leaves values out', async () => {
    const file = JSON.parse(await sopsFile(VALUES, { recipients: [ours.recipient] })) as { sops: object };
    const wrong = [
      '{',
      '[]',
      'plain: text',
      JSON.stringify({ ...file, sops: { ...file.sops, mac: undefined } }),
      JSON.stringify({ ...file, sops: { ...file.sops, age: [] } }),
      JSON.stringify({ ...file, sops: { ...file.sops, mac_only_encrypted: true } }),
      JSON.stringify({ ...file, sops: { ...file.sops, shamir_threshold: 2 } }),
    ];
    for (const text of wrong)
      expect(await code(decryptSops(text, ours.identity, 'file')), text.slice(0, 40)).toBe(
        'SECRETS_FILE_INVALID',
      );
  });

  it('names no value where one is asked for that is not there', async () => {
    const text = await sopsFile(VALUES, { recipients: [ours.recipient] });
    const { values } = await decryptSops(text, ours.identity, 'file');
    for (const key of ['backup', 'backup/none', 'none', 'backup/nested/list/7', 'site/more'])
      expect(() => secretAt(values, key, 'file'), key).toThrow(`file has no value at '${key}'`);
  });
});

/** The same value with one bit of its data the other way. */
function turned(value: string): string {
  return value.replace(/data:(.)/, (_, first: string) => `data:${first === 'A' ? 'B' : 'A'}`);
}
