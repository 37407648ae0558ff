import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { heard } from '../../test/unit/heard.ts';
import { makeSyntheticSlot } from '../../updater/testing/synthetic-slot.ts';
import { registerBundle } from './bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-bundle-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

const bulkhead = (...args: string[]) =>
  heard((io) => {
    const program = new Command('bulkhead').exitOverride();
    program.configureOutput({ writeOut: io.out, writeErr: io.err });
    registerBundle(program, io);
    return program.parseAsync(['bundle', ...args], { from: 'user' });
  });
const json = async (...args: string[]) => JSON.parse((await bulkhead(...args, '--json')).out);

beforeAll(async () => {
  for (const name of ['root-1', 'root-2', 'release', 'next'])
    await bulkhead('keys', 'generate', at(`${name}.pem`));
  for (const name of ['root-2', 'release', 'next']) await publicKey(name);
  const slot = (version: string, mutate: (data: Uint8Array) => void) =>
    makeSyntheticSlot({ blocks: 40, seed: 1, version, mutate });
  writeFileSync(
    at('old.slot'),
    slot('1.0.0', () => {}),
  );
  writeFileSync(
    at('new.slot'),
    slot('1.1.0', (data) => data.set([1, 2, 3], 20 * 4096)),
  );
});

/** As somebody does who keeps the private key elsewhere. */
async function publicKey(name: string): Promise<void> {
  await runOrThrow(run, 'openssl', ['pkey', '-in', at(`${name}.pem`), '-pubout', '-out', at(`${name}.pub`)]);
}

async function signElsewhere(file: string, name: string): Promise<void> {
  await bulkhead('sign', file, '--export-pae', at('pae'));
  const args = ['-rawin', '-inkey', at(`${name}.pem`), '-in', at('pae'), '-out', at('sig')];
  await runOrThrow(run, 'openssl', ['pkeyutl', '-sign', ...args]);
}

describe('from the first key to a rotation', () => {
  test('two root keys apart make a set of which both have to sign', async () => {
    const create = [
      'keyset',
      'create',
      '--root',
      at('root-1.pem'),
      '--root',
      at('root-2.pub'),
      '--threshold',
      '2',
    ];
    const made = await json(
      ...create,
      '--release',
      at('release.pub'),
      '--key',
      at('root-1.pem'),
      '-o',
      at('keyset.json'),
    );
    expect(made).toMatchObject({ complete: false, missing: { before: 0, own: 1 }, keyset: { version: 1 } });
    expect((await bulkhead('keyset', 'inspect', at('keyset.json'))).out).toContain('NOT COMPLETE');
    await signElsewhere(at('keyset.json'), 'root-2');
    const add = ['sign', at('keyset.json'), '--signature', at('sig'), '--public-key', at('root-2.pub')];
    expect((await json(...add)).lacks).toBeNull();
    expect((await json('keyset', 'inspect', at('keyset.json'))).complete).toBe(true);
    await expect(bulkhead(...create, '-o', at('keyset.json'))).rejects.toThrow(code('KEYS_FILE_EXISTS'));
  });

  test('a release is made, looked at and verified', async () => {
    const args = ['--slot', at('old.slot'), '--key', at('release.pem'), '-o', at('old.bundle')];
    writeFileSync(at('sbom.json'), '{}');
    const made = await bulkhead(
      'create',
      ...args,
      '--sbom',
      at('sbom.json'),
      '--expires',
      '2099-01-01T00:00:00Z',
    );
    expect(made.out).toBe(`${at('old.bundle')}: 1.0.0, ${sizeOf('old.bundle')}\n`);
    expect(made.err).toContain('encode 100 %\n');
    const shown = await bulkhead('inspect', at('old.bundle'));
    expect(shown.out).toContain('release       1.0.0, built 2026-01-02T03:04:05Z\n');
    expect(shown.out).toContain('expires       2099-01-01T00:00:00Z\n');
    expect(shown.out).toMatch(/NOT VERIFIED: this is what the file says\n$/);
    expect(await json('inspect', at('old.bundle'))).toMatchObject({
      verified: false,
      manifest: { version: '1.0.0' },
    });
    const verified = await bulkhead('verify', at('old.bundle'), '--keyset', at('keyset.json'), '--deep');
    expect(verified.out).toMatch(
      /VERIFIED: signed by [0-9a-f]{32} of key set 1; every byte of [\d.]+ KiB\n$/,
    );
  });

  test('a release is signed by a key that never was here', async () => {
    const unsigned = await bulkhead('create', '--slot', at('old.slot'), '-o', at('apart.bundle'));
    expect(unsigned.err).toContain('not signed');
    const { digest } = await json('inspect', at('apart.bundle'));
    await signElsewhere(at('apart.bundle'), 'release');
    const add = ['sign', at('apart.bundle'), '--signature', at('sig'), '--public-key'];
    await expect(bulkhead(...add, at('next.pub'))).rejects.toThrow(code('KEYS_SIGNATURE_WRONG'));
    await bulkhead(...add, at('release.pub'));
    expect(await json('verify', at('apart.bundle'), '--keyset', at('keyset.json'))).toMatchObject({
      digest,
      depth: 'head',
    });
    // The signature may come as text.
    writeFileSync(at('sig'), `${readFileSync(at('sig')).toString('base64')}\n`);
    await bulkhead(...add, at('release.pub'));
  });

  test('a set with a new release key brings the appliance along', async () => {
    const change = ['--release', at('next.pub'), '--key', at('root-1.pem')];
    const { id } = (await json('keys', 'list', at('release.pub')))[0];
    const revoked = await json('keyset', 'revoke', at('keyset.json'), id, '--reason', 'lost', ...change);
    expect(revoked).toMatchObject({
      complete: false,
      missing: { before: 1, own: 1 },
      keyset: { version: 2 },
    });
    const early = bulkhead('keyset', 'rotate', at('keyset.json'), '--key', at('root-1.pem'));
    await expect(early).rejects.toThrow(code('KEYS_SUCCESSOR_REFUSED'));
    await bulkhead('sign', at('keyset.json'), '--key', at('root-2.pem'));
    const shown = (await bulkhead('keyset', 'inspect', at('keyset.json'))).out;
    expect(shown).toContain(`${id}  revoked`);
    expect(shown).not.toContain('NOT COMPLETE');
    await expect(bulkhead('verify', at('old.bundle'), '--keyset', at('keyset.json'))).rejects.toThrow(
      code('KEYS_REVOKED'),
    );
  });

  test('a delta and the blocks lie beside the release that carries the set', async () => {
    const keyset = ['--keyset', at('keyset.json'), '--key', at('next.pem')];
    await bulkhead(
      'create',
      '--slot',
      at('new.slot'),
      '-o',
      at('new.bundle'),
      '--from',
      at('old.slot'),
      '--blocks',
      ...keyset,
    );
    const delta = readdirSync(folder).find((name) => name.startsWith('new.bundle.from-')) ?? '';
    expect(delta).toMatch(/^new\.bundle\.from-[0-9a-f]{16}$/);
    expect(statSync(at('new.bundle.blocks')).size).toBeLessThan(40 * 4096);
    const verify = ['verify', at(delta), '--keyset', at('keyset.json'), '--deep'];
    expect(await json(...verify)).toMatchObject({ depth: 'pieces', manifest: { kind: 'delta' } });
    expect(await json(...verify, '--base', at('old.slot'))).toMatchObject({ depth: 'content' });
    await expect(bulkhead(...verify, '--base', at('new.slot'))).rejects.toThrow(code('BUNDLE_WRONG_BASE'));
    // The same delta, its base taken out of a bundle.
    const before = readFileSync(at(delta));
    await bulkhead('create', '--slot', at('old.slot'), '-o', at('base.bundle'), '--key', at('next.pem'));
    const again = [
      'create',
      '--slot',
      at('new.slot'),
      '-o',
      at('new.bundle'),
      '--only-deltas',
      '--from',
      at('base.bundle'),
    ];
    await bulkhead(...again, ...keyset);
    expect(readFileSync(at(delta)).equals(before)).toBe(true);
    expect(existsSync(at('new.bundle.base'))).toBe(false);
    await expect(bulkhead(...again, '--key', at('next.pem'))).rejects.toThrow(code('BUNDLE_BASE_UNTRUSTED'));
  });
});

describe('refused before anything is written', () => {
  test.each<[string, string[], string]>([
    [
      'an instant of no form',
      ['create', '--slot', 'x', '-o', 'y', '--expires', 'tomorrow'],
      'BUNDLE_INSTANT_INVALID',
    ],
    [
      'a version of no form',
      ['create', '--slot', 'x', '-o', 'y', '--replaces-min', '1.0'],
      'BUNDLE_VERSION_INVALID',
    ],
    [
      'a slot image that is none',
      ['create', '--slot', 'keyset.json', '-o', 'none.bundle'],
      'BUNDLE_SLOT_UNUSABLE',
    ],
    [
      'a threshold that is no number',
      ['keyset', 'rotate', 'keyset.json', '--threshold', 'x'],
      'KEYS_SET_INVALID',
    ],
    ['an id that is none', ['keyset', 'revoke', 'keyset.json', 'abc', '--reason', ''], 'KEYS_SET_INVALID'],
    ['nothing to sign with', ['sign', 'keyset.json'], 'BUNDLE_NOTHING_TO_SIGN_WITH'],
    ['a signature of nobody', ['sign', 'keyset.json', '--signature', 'sig'], 'BUNDLE_NOTHING_TO_SIGN_WITH'],
    ['a key that is there already', ['keys', 'generate', 'release.pem'], 'KEYS_FILE_EXISTS'],
    ['a bundle that is none', ['inspect', 'keyset.json'], 'BUNDLE_NOT_ONE'],
  ])('%s', async (_, args, expected) => {
    const before = readdirSync(folder).sort();
    const keyset = readFileSync(at('keyset.json'));
    const inFolder = args.map((arg) => (/^(x|y|sig|[\w.-]+\.(json|pem|bundle))$/.test(arg) ? at(arg) : arg));
    await expect(bulkhead(...inFolder)).rejects.toThrow(code(expected));
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(readFileSync(at('keyset.json'))).toEqual(keyset);
  });
});

test('every command explains itself with an example', async () => {
  const commands = [
    ['create'],
    ['sign'],
    ['inspect'],
    ['verify'],
    ['keys', 'generate'],
    ['keys', 'list'],
    ...['create', 'rotate', 'revoke', 'inspect'].map((name) => ['keyset', name]),
  ];
  for (const command of commands) {
    let out = '';
    const program = new Command('bulkhead').exitOverride().configureOutput({
      writeOut: (text) => {
        out += text;
      },
    });
    registerBundle(program, { out: () => {}, err: () => {}, setExitCode: () => {} });
    await expect(program.parseAsync(['bundle', ...command, '--help'], { from: 'user' })).rejects.toThrow(
      'outputHelp',
    );
    expect(out, command.join(' ')).toMatch(/Examples?[^:]*:\n {2}bulkhead bundle/);
    expect(out, command.join(' ')).toContain('--json');
  }
});

function sizeOf(name: string): string {
  return `${(statSync(at(name)).size / 1024).toFixed(1)} KiB`;
}
