import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { evaluate, NIX, nixpkgsLib, parseProblem } from './evaluate.ts';
import { parseUnit } from './unit-text.ts';

const ROOT = join(NIX, '..');

const nixFiles = () => [
  ...readdirSync(NIX, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.nix'))
    .map((name) => join(NIX, name)),
];

test('every Nix file can be parsed', async () => {
  const files = nixFiles();
  expect(files.length).toBeGreaterThan(10);
  const problems: (string | undefined)[] = [];
  for (const file of files) problems.push(await parseProblem(file));
  expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
});

test('every unit of the image is read by Nix as by anybody else: keys, values and their order', async () => {
  const folder = join(ROOT, 'iso/rootfs/usr/lib/systemd/system');
  const read = await evaluate<Record<string, Record<string, Record<string, string | string[]>>>>(`
    let unitFile = import ${NIX}/lib/unit-file.nix; folder = ${folder};
    in builtins.listToAttrs (map
      (name: { inherit name; value = unitFile.parse (builtins.readFile (folder + "/\${name}")); })
      (builtins.filter (name: builtins.match ".*\\\\.(service|timer|path|target)" name != null)
        (builtins.attrNames (builtins.readDir folder))))`);
  expect(Object.keys(read).length).toBeGreaterThan(25);
  for (const [name, sections] of Object.entries(read)) {
    const wanted = parseUnit(await Bun.file(join(folder, name)).text());
    expect(Object.keys(sections).sort(), name).toEqual([...wanted.keys()].sort());
    for (const [section, keys] of wanted)
      for (const [key, values] of keys)
        expect([sections[section]?.[key]].flat(), `${name} ${key}`).toEqual(values);
  }
});

test('a unit file that would be read by halves is refused', async () => {
  const parse = (text: string) => evaluate(`(import ${NIX}/lib/unit-file.nix).parse ${JSON.stringify(text)}`);
  await expect(parse('[Unit]\nAfter=a \\\n b\n')).rejects.toThrow('goes on with the next one');
  await expect(parse('After=a\n')).rejects.toThrow('neither a section nor an assignment');
  await expect(parse('[Unit]\nnonsense\n')).rejects.toThrow('neither a section nor an assignment');
  const toModule = (text: string) =>
    evaluate(
      `(import ${NIX}/lib/unit-file.nix).toModule { "/usr/bin/known" = "/store/bin/known"; } ${JSON.stringify(text)}`,
    );
  await expect(toModule('[Service]\nExecStart=-/usr/bin/unknown\n')).rejects.toThrow('no place is known');
  await expect(toModule('[Socket]\nListenStream=80\n')).rejects.toThrow('sections that are not read');
  expect(
    await toModule('[Service]\nExecStart=-/usr/bin/known a\nExecStop=\n[Install]\nWantedBy=a b\n'),
  ).toEqual({
    description: '',
    unitConfig: {},
    serviceConfig: { ExecStart: '-/store/bin/known a', ExecStop: '' },
    wantedBy: ['a', 'b'],
  });
});

test.skipIf(nixpkgsLib !== undefined)(
  'LEFT OUT: modules, options and their page, as NIXPKGS_LIB names no copy of the lib folder of nixpkgs',
  () => {
    process.stderr.write(
      'nix: NIXPKGS_LIB names no copy of the lib folder of nixpkgs; parsed all files and read all units, left out the modules\n',
    );
  },
);
