import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { developmentKeys } from '../../updater/signing/dev-keys.ts';
import { makeSyntheticSlot } from '../../updater/testing/synthetic-slot.ts';
import { evaluate, NIX, nixpkgsLib } from './evaluate.ts';

interface Checks {
  tests: Record<string, { name: string; nodes: string[]; script: string }>;
  releases: Record<'next' | 'bad', string>;
  versions: string[];
  modules: Record<'image' | 'next' | 'bad', { bulkhead?: { settings: unknown } }[]>;
}

const checksIn = (store: string) =>
  evaluate<Checks>(`import ${NIX}/tests/checks.nix { nixpkgsLib = ${nixpkgsLib}; store = "${store}"; }`);

/**
 * What scripts of tests may ask their driver for: names and parameters as in nixos/lib/test-driver and in the type hints that nixpkgs
 * puts in front of a script before it is checked (nixos/lib/test-script-prepend.py), of the time of nixos-25.11. `retry` has its limit
 * by place, because its name differs between the two.
 */
const DRIVER: Record<string, string[]> = {
  start_all: [],
  subtest: [],
  retry: [],
  create_machine: ['name'],
};
const MACHINE: Record<string, string[]> = {
  start: ['allow_reboot'],
  crash: [],
  succeed: [],
  fail: [],
  wait_for_unit: [],
  wait_for_open_port: [],
  wait_for_console_text: ['timeout'],
  wait_until_succeeds: ['timeout'],
};

/** Prints what a Python script calls, by whom, with which named parameters; fails where it is not Python, or a name is not bound. */
const CALLS = `
import ast, builtins, json, sys
tree = ast.parse(sys.stdin.read())
bound = set(dir(builtins))
for node in ast.walk(tree):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store): bound.add(node.id)
    if isinstance(node, ast.arg): bound.add(node.arg)
    if isinstance(node, ast.FunctionDef): bound.add(node.name)
    if isinstance(node, ast.Import): bound.update(alias.name for alias in node.names)
free = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound
calls = [[node.func.value.id if isinstance(node.func, ast.Attribute) else "", node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id,
          [word.arg for word in node.keywords]]
         for node in ast.walk(tree) if isinstance(node, ast.Call)
         and (isinstance(node.func, ast.Name) or isinstance(node.func.value, ast.Name))]
json.dump({"free": sorted(free), "calls": calls}, sys.stdout)
`;

function pythonCalls(script: string): { free: string[]; calls: [string, string, string[]][] } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['python3', '-c', CALLS], {
    stdin: Buffer.from(script),
  });
  if (exitCode !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

describe.skipIf(nixpkgsLib === undefined)('the check of the modules', () => {
  it('switches every module on, and each does something then that nothing refuses', async () => {
    const found = await evaluate<Record<string, { refused: string[]; selected: string[] }>>(`
      builtins.mapAttrs (name: _: import ${NIX}/tests/evaluate.nix {
        nixpkgsLib = ${nixpkgsLib};
        modules = [ name ];
        settings = ${NIX}/checks/enabled.nix;
        select = system: builtins.attrNames system.config.systemd.services
          ++ builtins.attrNames system.config.networking.wireguard.interfaces
          ++ (if system.config.services.openssh.enable then [ "sshd" ] else [ ]);
      }) (builtins.removeAttrs (import ${NIX}/modules) [ "appliance" ])`);
    expect(Object.keys(found).length).toBeGreaterThan(10);
    for (const [module, { refused, selected }] of Object.entries(found)) {
      expect(refused, module).toEqual([]);
      expect(selected.length, module).toBeGreaterThan(0);
    }
  });
});

describe.skipIf(nixpkgsLib === undefined)('the tests in virtual machines', () => {
  it('are Python that asks the driver of nixpkgs for nothing that it does not have', async () => {
    const { tests } = await checksIn('/nix/store');
    expect(Object.keys(tests)).toEqual(['agent', 'boot', 'coordinator', 'rollback', 'update']);
    for (const [test, { nodes, script }] of Object.entries(tests)) {
      const machines = [...nodes, ...(script.includes('create_machine(') ? ['appliance'] : [])];
      const { free, calls } = pythonCalls(script);
      expect([...Object.keys(DRIVER), ...nodes], test).toEqual(expect.arrayContaining(free));
      expect(calls.length, test).toBeGreaterThan(3);
      for (const [subject, name, words] of calls) {
        const known = machines.includes(subject) ? MACHINE[name] : subject === '' ? DRIVER[name] : [];
        if (machines.includes(subject)) expect(known, `${test}: ${subject}.${name}`).toBeDefined();
        if (machines.includes(subject) || name in DRIVER)
          expect(known ?? [], `${test}: ${name}`).toEqual(expect.arrayContaining(words));
      }
    }
  });

  it('find a script that asks for more', () => {
    expect(pythonCalls('retry(never, timeout_seconds=3)\nappliance.sleep(1)')).toEqual({
      free: ['appliance', 'never', 'retry'],
      calls: [
        ['', 'retry', ['timeout_seconds']],
        ['appliance', 'sleep', []],
      ],
    });
    expect(() => pythonCalls('with subtest("a"\n')).toThrow('SyntaxError');
  });

  it('go from image to image: each is newer than the one before, lets the test in, and the last one panics before the gate', async () => {
    const { versions, modules } = await checksIn('/nix/store');
    expect(versions).toEqual(['0.1.0', '99.0.0', '99.1.0']);
    const login = {
      bulkhead: { settings: { ssh: { authorized_keys: [expect.stringContaining('stand-in')] } } },
    };
    expect(modules.image).toEqual([login]);
    expect(modules.next).toEqual([login]);
    expect(modules.bad).toEqual([
      login,
      {
        systemd: {
          services: {
            'last-words': expect.objectContaining({
              before: ['msp-health-gate.service'],
              script: 'echo c > /proc/sysrq-trigger',
            }),
          },
        },
      },
    ]);
  });

  it('have releases that the image’s keys trust, made by the program itself, and find the one that was changed', async () => {
    const store = makeFolder('checks');
    const at = (path: string) => join(store, path);
    const { releases, tests } = await checksIn(store);
    developmentKeys(at('keys'), Date.now());
    // As in the store, where everybody can read everything.
    chmodSync(at('keys/release.pem'), 0o444);
    mkdirSync(at('iso-99.0.0'));
    const image = (name: string) => at(`iso-99.0.0/bulkhead-99.0.0.${name}`);
    writeFileSync(image('slot'), makeSyntheticSlot({ blocks: 16, seed: 1, version: '99.0.0' }));
    for (const name of ['sbom.cdx.json', 'provenance.json']) writeFileSync(image(name), '{}');
    mkdirSync(at('bin'));
    const program = `exec ${process.execPath} ${join(NIX, '../appliance/main.ts')} "$@"`;
    writeFileSync(at('bin/bulkhead'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    const environment = {
      PATH: `${at('bin')}:${process.env['PATH']}`,
      TMPDIR: makeFolder('build'),
      out: at('out'),
    };
    const sh = (script: string) => Bun.spawnSync(['bash', '-euc', script], { env: environment });
    const made = sh(releases.next);
    expect(made.exitCode, made.stderr.toString()).toBe(0);

    // The very change that the test of updates makes.
    const [, change = ''] = /must\("(printf .+?)"\)/.exec(tests['update']?.script ?? '') ?? [];
    const bundle = at('out/bulkhead-99.0.0.bundle');
    const verify = `bulkhead bundle verify ${bundle} --keyset ${at('keys/keyset.json')}`;
    expect(sh(verify).exitCode).toBe(0);
    expect(change).toContain('/var/lib/msp/changed.bundle');
    sh(change.replace('/var/lib/msp/changed.bundle', bundle));
    expect(sh(verify).exitCode).toBe(1);
  });
});
