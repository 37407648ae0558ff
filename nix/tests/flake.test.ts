import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planLayout } from '../../partitions/layout.ts';
import { evaluate, NIX, nixpkgsLib, parseProblem } from './evaluate.ts';
import { parseUnit } from './unit-text.ts';

const ROOT = join(NIX, '..');

const nixFiles = () => [
  join(ROOT, 'flake.nix'),
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

test('of the npm lock file, exactly the packages of the appliance’s platform are fetched, each with its digest', async () => {
  const lock = JSON.parse(await Bun.file(join(ROOT, 'package-lock.json')).text()) as {
    packages: Record<string, { dev?: boolean; os?: string[]; integrity: string; version: string }>;
  };
  const fetched = await evaluate<{ path: string; name: string; version: string; hash: string }[]>(
    `import ${NIX}/packages/npm-tarballs.nix { }`,
  );
  for (const { path, name, version, hash } of fetched) {
    expect(lock.packages[path], path).toMatchObject({ version, integrity: hash });
    expect(path.endsWith(`node_modules/${name}`), path).toBe(true);
  }
  const paths = fetched.map(({ path }) => path);
  expect(paths.filter((path) => path.includes('@oven/'))).toEqual(['node_modules/@oven/bun-linux-x64']);
  const required = Object.entries(lock.packages).filter(
    ([path, entry]) => path !== '' && entry.dev !== true && entry.os === undefined,
  );
  expect(paths).toEqual(
    expect.arrayContaining(required.map(([path]) => path).filter((path) => !path.includes('wasm'))),
  );
  expect(paths).not.toContain('node_modules/vitest');
});

test('the revision of nixpkgs is locked with its hash', async () => {
  const lock = (await Bun.file(join(ROOT, 'flake.lock')).json()) as {
    nodes: { nixpkgs: { locked: Record<string, string>; original: Record<string, string> } };
  };
  expect(lock.nodes.nixpkgs.locked).toMatchObject({
    rev: expect.stringMatching(/^[0-9a-f]{40}$/),
    narHash: expect.stringMatching(/^sha256-[A-Za-z0-9+/]{43}=$/),
  });
  expect(await Bun.file(join(ROOT, 'flake.nix')).text()).toContain(
    `github:NixOS/nixpkgs/${lock.nodes.nixpkgs.original['ref']}`,
  );
});

test.skipIf(nixpkgsLib === undefined)(
  'the flake hands out what it promises, by the names that Nix users look for',
  async () => {
    const outputs = await evaluate<Record<string, string[]>>(`
    let
      lib = import ${nixpkgsLib};
      outputs = import ${NIX}/outputs.nix {
        self = { lastModifiedDate = "20260101120000"; rev = "abc"; };
        nixpkgs = { inherit lib; legacyPackages.x86_64-linux = { }; };
      };
      names = path: builtins.attrNames (lib.getAttrFromPath path outputs);
    in {
      top = builtins.attrNames outputs;
      packages = names [ "packages" "x86_64-linux" ];
      apps = names [ "apps" "x86_64-linux" ];
      modules = names [ "nixosModules" ];
      checks = names [ "checks" "x86_64-linux" ];
    }`);
    expect(outputs['top']).toEqual(
      expect.arrayContaining(['apps', 'checks', 'devShells', 'formatter', 'nixosModules', 'packages']),
    );
    expect(outputs['packages']).toEqual(
      expect.arrayContaining([
        'appliance-disk-image',
        'appliance-iso',
        'appliance-vm',
        'bulkhead',
        'bulkhead-coordinator',
      ]),
    );
    expect(outputs['checks']).toEqual([
      'agent',
      'appliance',
      'boot',
      'coordinator',
      'modules',
      'rollback',
      'unit',
      'update',
    ]);
    for (const name of readdirSync(join(NIX, 'modules')).filter((file) => file.endsWith('.nix')))
      if (!['default.nix', 'program.nix'].includes(name))
        expect(outputs['modules'], name).toContain(name.replace('.nix', ''));
  },
);

test.skipIf(nixpkgsLib === undefined)('disko is told the disk of the installer', async () => {
  const disk = await evaluate<{
    type: string;
    partitions: Record<string, { label: string; type: string; size: string; priority: number }>;
  }>(`(import ${NIX}/packages/disko.nix { lib = import ${nixpkgsLib}; }).disko.devices.disk.main.content`);
  const { partitions } = planLayout(64e9, 512, 300e6);
  const planned = Object.values(partitions).sort((a, b) => a.number - b.number);
  const told = Object.values(disk.partitions).sort((a, b) => a.priority - b.priority);
  expect(told.map(({ label, type }) => [label, type])).toEqual(
    planned.map(({ label, typeGuid }) => [label, typeGuid]),
  );
  expect(told.slice(0, 3).map(({ size }) => size)).toEqual(
    planned.slice(0, 3).map(({ size_bytes }) => `${size_bytes / 2 ** 20}M`),
  );
});

test.skipIf(nixpkgsLib !== undefined)(
  'LEFT OUT: modules, options and their page, as NIXPKGS_LIB names no copy of the lib folder of nixpkgs',
  () => {
    process.stderr.write(
      'nix: NIXPKGS_LIB names no copy of the lib folder of nixpkgs; parsed all files and read all units, left out the modules\n',
    );
  },
);
