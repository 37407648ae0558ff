import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseEnvBlock, serialiseEnvBlock } from './env-block.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-env-'));
afterAll(() => rmSync(folder, { recursive: true }));

const anyName = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/);
const anyValue = fc.stringMatching(/^[A-Za-z0-9 .:=+#/-]{0,20}$/);

function editenv(...args: string[]) {
  return spawnSync('grub-editenv', args, { encoding: 'utf8' });
}

describe('an environment block', () => {
  test('comes back as it was written, at its exact size', () => {
    fc.assert(
      fc.property(fc.dictionary(anyName, anyValue, { maxKeys: 6, noNullPrototype: true }), (values) => {
        const block = serialiseEnvBlock(values, 512);
        expect(block).toHaveLength(512);
        expect(parseEnvBlock(block)).toEqual(values);
      }),
    );
  });

  test('is read by GRUB as we wrote it and by us as GRUB wrote it', () => {
    const path = join(folder, 'block');
    writeFileSync(path, serialiseEnvBlock({ one: 'A', two: '1+2' }, 512));
    expect(editenv(path, 'list').stdout).toBe('one=A\ntwo=1+2\n');
    expect(editenv(path, 'set', 'one=none', 'three=back\\slash').status).toBe(0);
    const bytes = readFileSync(path);
    expect(bytes).toHaveLength(512);
    expect(parseEnvBlock(bytes)).toEqual({ one: 'none', two: '1+2', three: 'back\\slash' });
  });

  test.each([
    ['a name that GRUB source cannot hold', { 'no-name': 'x' }],
    ['a line break', { name: 'one\ntwo' }],
    ['a quote', { name: "it's" }],
    ['a variable', { name: '$root' }],
    ['a second command', { name: 'a; reboot' }],
  ])('refuses %s', (_name, values) => {
    expect(() => serialiseEnvBlock(values, 512)).toThrow(
      expect.objectContaining({ code: 'ENV_BLOCK_INVALID' }),
    );
  });

  test('refuses what does not fit', () => {
    expect(() => serialiseEnvBlock({ name: 'x'.repeat(500) }, 512)).toThrow(
      expect.objectContaining({ code: 'ENV_BLOCK_FULL' }),
    );
  });

  test('reads damage as GRUB reads it', () => {
    const signature = '# GRUB Environment Block\n';
    const read = (text: string) => parseEnvBlock(Buffer.from(signature + text, 'latin1'));
    // The name runs on over the line feed, so the second assignment is not seen under its own name.
    expect(read('oops\none=1\n')).toEqual({ 'oops\none': '1' });
    expect(read('one=1')).toEqual({});
    expect(read('one=1\\\n2\n')).toEqual({ one: '1\n2' });
    expect(read('one=1\0junk\n')).toEqual({ one: '1' });
    expect(read('#\\\none=1\ntwo=2\n')).toEqual({ two: '2' });
    expect(read('one=1\n####one=2\n')).toEqual({ one: '1' });
    expect(parseEnvBlock(Buffer.from('one=1\n'))).toBeUndefined();
    expect(parseEnvBlock(new Uint8Array(0))).toBeUndefined();
  });

  test('agrees with grub-editenv on noise between the signature and the end', () => {
    const path = join(folder, 'noise');
    const noise = fc.array(fc.constantFrom('a', 'b', '=', '\n', '#', '\\', ' '), { maxLength: 40 });
    fc.assert(
      fc.property(noise, (letters) => {
        const text = `# GRUB Environment Block\n${letters.join('')}`.padEnd(128, '#');
        writeFileSync(path, text);
        const listed = editenv(path, 'list').stdout;
        // editenv lists every assignment in its order; of two for one name, the last is what load_env leaves behind.
        const ours = Object.entries(parseEnvBlock(Buffer.from(text)) ?? {});
        for (const [name, value] of ours) expect(listed).toContain(`${name}=${value}\n`);
        expect(listed === '').toBe(ours.length === 0);
      }),
      { numRuns: 150, examples: [[['#', '\\', '\n', '=', '\n']]] },
    );
  });
});
