import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Run } from '../../base/run.ts';
import { secretNotices } from '../../status-page/secrets-section.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { sopsFile } from '../../test/unit/sops-file.ts';
import { ensureAgeKey, readAgeIdentity, recipientOf } from './age-key.ts';
import { applySecrets } from './apply.ts';
import { readSecretsFacts } from './facts.ts';
import { parseManifest, readManifest } from './manifest.ts';

async function machine() {
  const at = (name: string) => join(folder, name);
  const folder = makeFolder('secrets');
  mkdirSync(at('identity'));
  await ensureAgeKey(at('identity/age.key'));
  const recipient = await recipientOf(readAgeIdentity(at('identity/age.key')));
  const asked: string[][] = [];
  const run: Run = async (program, args) => {
    asked.push([program, ...args]);
    return { code: 0, stdout: '', stderr: '' };
  };
  const encrypt = async (
    name: string,
    values: Parameters<typeof sopsFile>[0],
    modified = '2026-11-01T00:00:00Z',
  ) => writeFileSync(at(name), await sopsFile(values, { recipients: [recipient], modified }));
  const apply = (secrets: Record<string, object>) =>
    applySecrets(
      parseManifest(JSON.stringify({ age_key_file: at('identity/age.key'), secrets }), 'secrets.json'),
      {
        ...{ folder: at('run'), factsFile: at('facts.json'), run },
        now: () => new Date('2026-11-21T00:00:00Z'),
        userOf: (name) =>
          name === 'root' ? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } : undefined,
      },
    );
  return {
    at,
    recipient,
    asked,
    encrypt,
    apply,
    text: (name: string) => readFileSync(at(`run/${name}`), 'utf8'),
  };
}

describe('applying secrets', () => {
  it('puts each into a file that its owner alone can read, and says nothing of it elsewhere', async () => {
    const { at, encrypt, apply, text } = await machine();
    await encrypt('a.yaml', { backup: { passphrase: 'correct horse\n' }, token: 'tok-1' });
    const report = await apply({
      'backup-passphrase': { sops_file: at('a.yaml'), sops_key: 'backup/passphrase' },
      token: { sops_file: at('a.yaml'), sops_key: 'token', mode: '0440' },
    });
    expect(report).toMatchObject({ problem: null, changed: ['backup-passphrase', 'token'], removed: [] });
    expect([text('backup-passphrase'), text('token')]).toEqual(['correct horse\n', 'tok-1']);
    const mode = (name: string) => (statSync(at(name)).mode & 0o7777).toString(8);
    expect(['run', 'run/backup-passphrase', 'run/token'].map(mode)).toEqual(['711', '400', '440']);
    // The agent shows what stands in it.
    expect(mode('facts.json')).toBe('644');
    expect(readFileSync(at('facts.json'), 'utf8')).not.toMatch(/correct|tok-1/);
  });

  it('restarts who depends on one that changed, once, and nobody when nothing did', async () => {
    const { at, asked, encrypt, apply } = await machine();
    const wanted = {
      a: { sops_file: at('a.yaml'), sops_key: 'a', restart_units: ['one.service', 'two.service'] },
      b: { sops_file: at('a.yaml'), sops_key: 'b', restart_units: ['two.service'] },
    };
    await encrypt('a.yaml', { a: '1', b: '2' });
    await apply(wanted);
    expect(asked).toEqual([['systemctl', '--no-block', 'try-restart', 'one.service', 'two.service']]);
    await apply(wanted);
    expect(asked).toHaveLength(1);
    await encrypt('a.yaml', { a: '1', b: '3' });
    expect((await apply(wanted)).changed).toEqual(['b']);
    expect(asked.at(-1)).toEqual(['systemctl', '--no-block', 'try-restart', 'two.service']);
  });

  it('keeps the file there was when the new one cannot be had, and does the others', async () => {
    const { at, encrypt, apply, text } = await machine();
    const wanted = {
      a: { sops_file: at('a.yaml'), sops_key: 'a' },
      b: { sops_file: at('b.yaml'), sops_key: 'b' },
      c: { sops_file: at('b.yaml'), sops_key: 'b', owner: 'nobody-here' },
    };
    await encrypt('a.yaml', { a: 'old' });
    await apply(wanted);
    writeFileSync(
      at('a.yaml'),
      readFileSync(at('a.yaml'), 'utf8').replace('"lastmodified": "2026', '"lastmodified": "2027'),
    );
    await encrypt('b.yaml', { b: 'new' });
    const report = await apply(wanted);
    expect(report.secrets.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('changed by other means'),
      null,
      expect.stringContaining("no user 'nobody-here'"),
    ]);
    expect([text('a'), text('b')]).toEqual(['old', 'new']);
  });

  it('takes away what is wanted no more', async () => {
    const { at, encrypt, apply } = await machine();
    await encrypt('a.yaml', { a: '1' });
    await apply({ a: { sops_file: at('a.yaml'), sops_key: 'a' } });
    writeFileSync(at('run/left.new'), 'half');
    expect((await apply({})).removed.sort()).toEqual(['a', 'left.new']);
    expect(readdirSync(at('run'))).toEqual([]);
  });

  it('reminds of rotation in time, counted from when the file was encrypted', async () => {
    const { at, encrypt, apply } = await machine();
    await encrypt('a.yaml', { a: '1' }, '2026-05-01T00:00:00Z');
    await apply({
      'due-soon': { sops_file: at('a.yaml'), sops_key: 'a', rotate_after_days: 210 },
      late: { sops_file: at('a.yaml'), sops_key: 'a', rotate_after_days: 90 },
      never: { sops_file: at('a.yaml'), sops_key: 'a', rotate_after_days: null },
      young: { sops_file: at('a.yaml'), sops_key: 'a', rotate_after_days: 365 },
    });
    const facts = readSecretsFacts(at('facts.json'));
    expect(facts && secretNotices(facts, new Date('2026-11-21T00:00:00Z'))).toEqual([
      'Secret due-soon has to be changed within 7 days.',
      'Secret late should have been changed 114 days ago.',
    ]);
  });
});

describe('the age key', () => {
  it('is made once, for root alone, and never made anew over one that is damaged', async () => {
    const file = join(makeFolder('age'), 'age.key');
    expect([await ensureAgeKey(file), statSync(file).mode & 0o777]).toEqual(['made', 0o400]);
    const identity = readAgeIdentity(file);
    expect(await recipientOf(identity)).toMatch(/^age1/);
    expect([await ensureAgeKey(file), readAgeIdentity(file)]).toEqual(['kept', identity]);
    rmSync(file);
    writeFileSync(file, 'AGE-SECRET-KEY-1TOO-SHORT\n');
    await expect(ensureAgeKey(file)).rejects.toMatchObject({ code: 'AGE_KEY_DAMAGED' });
  });
});

describe('the list of secrets', () => {
  it('is that of the device, else that of the image, else empty', () => {
    const folder = makeFolder('manifest');
    const files = [join(folder, 'device.json'), join(folder, 'image.json')];
    const names = () => readManifest(files).secrets.map(({ name }) => name);
    expect(names()).toEqual([]);
    const one = (name: string) => JSON.stringify({ secrets: { [name]: { sops_file: '/f', sops_key: 'k' } } });
    writeFileSync(files[1] ?? '', one('image'));
    expect(names()).toEqual(['image']);
    writeFileSync(files[0] ?? '', one('device'));
    expect(names()).toEqual(['device']);
  });

  it('is refused with the place of what is wrong', () => {
    const secret = (more: object) =>
      JSON.stringify({ secrets: { a: { sops_file: '/f', sops_key: 'k', ...more } } });
    const wrong = [
      '{',
      '{}',
      '{"secrets":{"../up":{"sops_file":"/f","sops_key":"k"}}}',
      secret({ mode: '0444' }),
      secret({ mode: '0777' }),
      secret({ sops_file: 'relative' }),
      secret({ sops_file: '/a/../b' }),
      secret({ restart_units: ['--force'] }),
      secret({ restart_units: ['a b.service'] }),
      secret({ owner: 'root:root' }),
      secret({ colour: 'red' }),
    ];
    for (const text of wrong)
      expect(() => parseManifest(text, 'secrets.json'), text).toThrow('secrets.json cannot be used');
  });
});
