import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heard } from '../../../test/unit/heard.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { serialiseKeysetFile } from '../../../updater/signing/keyset-file.ts';
import { generateSigner, TEST_RELEASE, testKeysets, testTrust } from '../../../updater/testing/test-keys.ts';
import { runProgram } from '../../program.ts';
import { type AddProgram, addProgram, removeProgram } from './keep-program.ts';
import { signedProgram } from './lab/signed-program.ts';
import { readProgramFolder } from './program-folder.ts';

const bytes = (version: string) => `#!/bin/sh\necho ${version}\n`.padEnd(3_000_000, '#');

function place() {
  const root = makeFolder('programs');
  const folder = join(root, 'kept');
  const make = (version: string, more: Partial<Parameters<typeof signedProgram>[1]> = {}) =>
    signedProgram(root, { version, program: bytes(version), signer: TEST_RELEASE, ...more });
  const add = (files: { file: string; signature_file: string }, more: Partial<AddProgram> = {}) =>
    addProgram({
      ...{ folder, file: files.file, signature_file: files.signature_file, trusted: testTrust() },
      ...{ now: new Date(), allow_downgrade: false, leaves_bytes: 0, ...more },
    });
  const versions = () => readProgramFolder(folder).programs.map(({ version }) => version);
  return { root, folder, make, add, versions };
}

const refusal = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('it was taken');
};

describe('a program that is added', () => {
  test('is kept with its signature, for everybody to read; the newest and the one before stay', () => {
    const { folder, make, add, versions } = place();
    mkdirSync(folder, { mode: 0o700 });
    add(make('1.0.0'));
    add(make('1.1.0'));
    const { removed } = add(make('1.10.0'));
    expect(removed.map(({ version }) => version)).toEqual(['1.0.0']);
    expect(versions()).toEqual(['1.10.0', '1.1.0']);
    for (const { file, signature_file, version } of readProgramFolder(folder).programs) {
      expect(readFileSync(file, 'utf8')).toBe(bytes(version));
      for (const kept of [file, signature_file]) expect(statSync(kept).mode & 0o777).toBe(0o644);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o755);
    expect(readdirSync(folder)).toHaveLength(5);
  });

  test('again is no change; those of another platform are counted apart', () => {
    const { make, add, versions } = place();
    const files = make('2.0.0');
    add(files);
    expect(add(files)).toMatchObject({ known: true, removed: [] });
    add(make('1.0.0', { platform: 'windows-x64' }));
    expect(versions()).toEqual(['2.0.0', '1.0.0']);
  });

  test('that is older or another of the same version is refused, unless that is said; then the newer ones go', () => {
    const { make, add, versions } = place();
    add(make('1.0.0'));
    add(make('2.0.0'));
    const old = make('1.5.0');
    expect(refusal(() => add(old))).toMatchObject({ code: 'SENSOR_PROGRAM_OLDER' });
    const same = make('2.0.0', { program: 'another' });
    expect(refusal(() => add(same))).toMatchObject({ code: 'SENSOR_PROGRAM_OLDER' });
    expect(versions()).toEqual(['2.0.0', '1.0.0']);
    expect(add(old, { allow_downgrade: true }).removed.map(({ version }) => version)).toEqual(['2.0.0']);
    expect(versions()).toEqual(['1.5.0', '1.0.0']);
  });

  test.each([
    ['that another key signed', { signer: generateSigner() }, undefined, 'KEYS_UNKNOWN'],
    ['with a flipped byte', {}, (all: Buffer) => all.fill('X', 1_500_000, 1_500_001), 'SENSOR_PROGRAM_OTHER'],
    ['that was cut', {}, (all: Buffer) => all.subarray(1), 'SENSOR_PROGRAM_OTHER'],
  ])('%s is refused, and nothing is kept of it', (_, made, change, code) => {
    const { folder, make, add } = place();
    const files = make('1.0.0', made);
    if (change !== undefined) writeFileSync(files.file, change(readFileSync(files.file)));
    expect(refusal(() => add(files))).toMatchObject({ code });
    expect(existsSync(folder) ? readdirSync(folder).filter((name) => name !== '.lock') : []).toEqual([]);
  });

  test('for which there is no room is refused with how much there is', () => {
    const { make, add } = place();
    expect(refusal(() => add(make('1.0.0'), { leaves_bytes: 2 ** 60 }))).toMatchObject({
      code: 'SENSOR_PROGRAMS_NO_ROOM',
    });
  });

  test('or a signature that is not there is named', () => {
    const { root, make, add } = place();
    const files = { ...make('1.0.0'), signature_file: join(root, 'nothing.dsse') };
    expect(refusal(() => add(files))).toMatchObject({
      code: 'SENSOR_PROGRAM_UNREADABLE',
      message: expect.stringContaining('nothing.dsse'),
    });
  });
});

test('what an interruption left is not offered, is told, and goes with the next one', () => {
  const { folder, make, add } = place();
  add(make('1.0.0'));
  writeFileSync(join(folder, '.adding'), 'half of it');
  writeFileSync(join(folder, 'bulkhead-sensor-linux-x64-1.1.0'), 'without its signature');
  writeFileSync(join(folder, 'bulkhead-sensor-linux-x64-1.2.0.dsse'), 'no signature');
  expect(readProgramFolder(folder)).toMatchObject({
    programs: [{ version: '1.0.0' }],
    leftovers: ['bulkhead-sensor-linux-x64-1.1.0', 'bulkhead-sensor-linux-x64-1.2.0.dsse'],
  });
  add(make('1.3.0'));
  expect(readdirSync(folder).sort()).toEqual([
    '.lock',
    'bulkhead-sensor-linux-x64-1.0.0',
    'bulkhead-sensor-linux-x64-1.0.0.dsse',
    'bulkhead-sensor-linux-x64-1.3.0',
    'bulkhead-sensor-linux-x64-1.3.0.dsse',
  ]);
});

test('a program that is removed is gone; one that is not there is named', () => {
  const { folder, make, add, versions } = place();
  add(make('1.0.0'));
  expect(refusal(() => removeProgram(folder, 'linux-x64', '1.0.1'))).toMatchObject({
    code: 'SENSOR_PROGRAM_NONE',
  });
  removeProgram(folder, 'linux-x64', '1.0.0');
  expect(versions()).toEqual([]);
  expect(readdirSync(folder)).toEqual(['.lock']);
});

test('an operator adds, lists and removes at the command line', async () => {
  const { root, folder, make } = place();
  const keyset = join(root, 'keyset.json');
  writeFileSync(keyset, serialiseKeysetFile(testKeysets()));
  const say = async (...args: string[]) => {
    const words = ['sensors', 'program', ...args, '--folder', folder];
    const { out, err } = await heard((io) => runProgram(words, io));
    return out + err;
  };
  expect(await say('list')).toBe('sensors are offered no program\n');
  const { file, sha256 } = make('1.0.0');
  expect(await say('add', file, '--keyset', keyset)).toBe('sensors on linux-x64 are offered version 1.0.0\n');
  const next = make('1.1.0');
  await say('add', next.file, next.signature_file, '--keyset', keyset);
  const lines = (await say('list')).split('\n');
  expect(lines[0]).toMatch(/^linux-x64 +1\.1\.0 .* offered$/);
  expect(lines[1]).toMatch(new RegExp(`^linux-x64 +1\\.0\\.0 .* ${sha256} +kept$`));
  const { file: foreign } = make('1.2.0', { signer: generateSigner() });
  expect(await say('add', foreign, '--keyset', keyset)).toContain('KEYS_UNKNOWN');
  expect(await say('remove', 'linux-x64', '1.1.0')).toBe('version 1.1.0 for linux-x64 is removed\n');
  expect(JSON.parse(await say('list', '--json'))).toMatchObject({ programs: [{ version: '1.0.0' }] });
});
