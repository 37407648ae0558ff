import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { sopsFile } from '../../test/unit/sops-file.ts';
import { ensureAgeKey, readAgeIdentity, recipientOf } from '../secrets/age-key.ts';
import { registerSecretsWith } from './secrets.ts';

async function machine() {
  const folder = makeFolder('secrets-cli');
  const at = (name: string) => join(folder, name);
  mkdirSync(at('identity'));
  await ensureAgeKey(at('identity/age.key'));
  const recipient = await recipientOf(readAgeIdentity(at('identity/age.key')));
  const list = (sops_key: string, rotate_after_days: number) =>
    writeFileSync(
      at('secrets.json'),
      JSON.stringify({
        age_key_file: at('identity/age.key'),
        secrets: { token: { sops_file: at('secrets.yaml'), sops_key, owner: 'root', rotate_after_days } },
      }),
    );
  writeFileSync(at('secrets.yaml'), await sopsFile({ token: 'tok-1' }, { recipients: [recipient] }));
  const bulkhead = async (command: string, isRoot = true) => {
    let [out, code] = ['', 0];
    const program = new Command('bulkhead').exitOverride();
    registerSecretsWith(
      program,
      { out: (text) => (out += text), err: () => undefined, setExitCode: (value) => (code = value) },
      {
        ...{ manifests: [at('secrets.json')], ageKeyFile: at('identity/age.key') },
        ...{ folder: at('run'), factsFile: at('facts.json'), isRoot: () => isRoot },
      },
    );
    await program.parseAsync(['secrets', command], { from: 'user' });
    return { out, code };
  };
  return { at, recipient, list, bulkhead };
}

it('says whom to encrypt for, applies, and shows what there is, never a value', async () => {
  const { at, recipient, list, bulkhead } = await machine();
  list('token', 3650);
  expect(await bulkhead('key')).toEqual({ out: `${recipient}\n`, code: 0 });
  expect((await bulkhead('status')).out).toContain('no secrets were decrypted');
  expect(await bulkhead('apply')).toEqual({ out: '1 secrets, 1 changed, 0 removed\n', code: 0 });
  expect(readFileSync(at('run/token'), 'utf8')).toBe('tok-1');
  expect(await bulkhead('status')).toEqual({ out: `token: ${at('run/token')}\n`, code: 0 });
});

it('ends with 1 for what could not be decrypted and for what is overdue, and wants root to decrypt', async () => {
  const { list, bulkhead } = await machine();
  list('no-such-key', 3650);
  const failed = await bulkhead('apply');
  expect(failed.code).toBe(1);
  expect(failed.out).toContain("no value at 'no-such-key'");
  list('token', 1);
  expect((await bulkhead('apply')).code).toBe(0);
  const shown = await bulkhead('status');
  expect([shown.code, /should have been changed|has to be changed/.test(shown.out)]).toEqual([1, true]);
  await expect(bulkhead('apply', false)).rejects.toMatchObject({ code: 'SECRETS_NEED_ROOT' });
});
