import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { editConfigFile, editConfigText } from './edit.ts';
import { parseConfigText } from './parse.ts';

const TEXT = `# The box in the cellar
site_id: 0123 # as on the label

network:
  # cable to the switch
  interfaces:
    - {match: eth0, addresses: [10.0.0.2/24]}
coordinator:
`;

it('keeps comments, order, and texts that look like numbers', () => {
  expect(
    editConfigText(TEXT, 'coordinator.url', 'https://c.example.org', 'c.yaml'),
  ).toBe(`# The box in the cellar
site_id: "0123" # as on the label

network:
  # cable to the switch
  interfaces:
    - { match: eth0, addresses: [ 10.0.0.2/24 ] }
coordinator:
  url: https://c.example.org
`);
});

it('starts a file that is missing, empty or nothing but comments', () => {
  for (const text of ['', '# mine\n', 'network:\n']) {
    const edited = editConfigText(text, 'network.wifi', '{ssid: home, passphrase: 0123456789}', 'c.yaml');
    expect(parseConfigText(edited, 'c.yaml').config.network.wifi?.passphrase, text).toBe('0123456789');
    if (text.startsWith('#')) expect(edited).toContain('# mine');
  }
});

it('refuses an unknown key, a wrong value, and a file that is wrong already', () => {
  const code = (text: string, key: string, value: string) => {
    try {
      editConfigText(text, key, value, 'c.yaml');
    } catch (error) {
      return (error as { code: string }).code;
    }
    return 'accepted';
  };
  expect(code(TEXT, 'hostnam', 'x')).toBe('CONFIG_KEY_UNKNOWN');
  expect(code(TEXT, 'network', '{}')).toBe('CONFIG_KEY_UNKNOWN');
  expect(code(TEXT, 'hostname', 'Not Valid')).toBe('CONFIG_INVALID');
  expect(code(TEXT, 'time.servers', '[')).toBe('CONFIG_INVALID');
  expect(code('nonsense: 1\n', 'hostname', 'box')).toBe('CONFIG_INVALID');
  expect(code(TEXT, 'hostname', 'box')).toBe('accepted');
});

it('sets what was asked and nothing else, and unset undoes it', () => {
  const values: Record<string, string[]> = {
    site_id: ['a', '007', '1e3', 'null', 'true'],
    hostname: ['box', '12', 'null'],
    'coordinator.poll_interval_s': ['10', '3600'],
    'time.servers': ['[]', '[10.0.0.1]', '[a, b.c]'],
    'time.zone': ['UTC', 'Europe/Berlin'],
    'network.interfaces': ['[]', '[{match: eth1}]'],
  };
  const edit = fc
    .constantFrom(...Object.keys(values))
    .chain((key) =>
      fc.tuple(fc.constant(key), fc.constantFrom(...(values[key] ?? [])) as fc.Arbitrary<string>),
    );
  const set = (text: string) =>
    new Map([...parseConfigText(text, 'c.yaml').values].map(([key, { value }]) => [key, value]));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), edit, (history, [key, value]) => {
      const before = history.reduce((text, [name, to]) => editConfigText(text, name, to, 'c.yaml'), TEXT);
      const after = editConfigText(before, key, value, 'c.yaml');
      const expected = set(before);
      const asText = ['site_id', 'hostname', 'time.zone'].includes(key);
      const wanted = parseConfigText(
        `${key.replace(/^(\w+)\.(\w+)$/, '$1: {$2')}: ${asText && value !== 'null' ? `"${value}"` : value}${key.includes('.') ? '}' : ''}`,
        'c.yaml',
      );
      expected.set(key, wanted.values.get(key)?.value);
      expect(set(after)).toEqual(expected);
      const unset = set(before);
      unset.delete(key);
      expect(set(editConfigText(after, key, undefined, 'c.yaml'))).toEqual(unset);
    }),
    { numRuns: 60 },
  );
});

it('changes the file in place of the old one with its mode, and leaves it alone when it refuses', () => {
  const file = join(makeFolder('edit'), 'config.yaml');
  expect(editConfigFile(file, 'hostname', 'box')).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o640);
  chmodSync(file, 0o600);
  expect(editConfigFile(file, 'site_id', 'x')).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(editConfigFile(file, 'site_id', 'x')).toBe(false);
  const text = readFileSync(file, 'utf8');
  expect(() => editConfigFile(file, 'hostname', 'Not Valid')).toThrow(/would not be valid/);
  expect(readFileSync(file, 'utf8')).toBe(text);
  writeFileSync(join(file, '..', 'folder-missing'), '');
  expect(() => editConfigFile(join(file, '..', 'nowhere', 'config.yaml'), 'hostname', 'box')).toThrow(
    expect.objectContaining({ code: 'CONFIG_NOT_WRITABLE' }),
  );
});
