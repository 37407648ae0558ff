import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { evaluate, NIX, nixpkgsLib } from './evaluate.ts';

type Scripts = Record<
  'tree' | 'accounts' | 'init' | 'info' | 'initrd' | 'iso' | 'disk' | 'vm' | 'fleet',
  string
>;
const scriptsFor = (store: string) =>
  evaluate<Scripts>(`import ${NIX}/tests/image.nix { nixpkgsLib = ${nixpkgsLib}; store = "${store}"; }`);

function sh(script: string, args: string[] = [], environment: Record<string, string> = {}): void {
  const { exitCode, stderr } = Bun.spawnSync(['bash', '-c', script, 'script', ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

describe.skipIf(nixpkgsLib === undefined)('the slot image of NixOS', () => {
  it('is made by scripts that a shell can read', async () => {
    for (const [name, script] of Object.entries(await scriptsFor('/nix/store')))
      if (name !== 'info') expect(() => sh(`bash -n <<'END'\n${script}\nEND`), name).not.toThrow();
  });

  it('has a root tree with users, the files of the program, and process 1 where the initrd looks for it', async () => {
    const store = makeFolder('store');
    const at = (path: string) => join(store, path);
    const scripts = await scriptsFor(store);
    for (const folder of ['closure', 'etc/etc/systemd', 'systemd-1'])
      mkdirSync(at(folder), { recursive: true });
    writeFileSync(at('closure/store-paths'), `${at('systemd-1')}\n`);
    writeFileSync(at('etc/etc/systemd/journald.conf'), '');
    writeFileSync(at('bulkhead-init'), scripts.init);
    writeFileSync(at('image.json'), scripts.info);
    sh(scripts.accounts, [], { out: at('bulkhead-accounts') });
    sh(scripts.tree, [], { out: at('make-tree') });
    const tree = makeFolder('nixos-tree');
    sh(`bash ${at('make-tree')} "$1"`, [tree]);

    const read = (path: string) => readFileSync(join(tree, path), 'utf8');
    expect(read('etc/passwd').split('\n')[0]).toBe(
      `msp:x:900:900:user msp:/var/empty:${store}/shadow/bin/nologin`,
    );
    // Whoever has no number of NixOS gets one of their own, and is nobody else.
    const numbers = read('etc/passwd')
      .split('\n')
      .map((line) => line.split(':').slice(0, 4).join(':'));
    expect(numbers).toEqual(['msp:x:900:900', 'one:x:700:700', 'root:x:0:0', 'two:x:701:70', '']);
    expect(read('etc/group')).toBe('msp:x:900:root\none:x:700:\nroot:x:0:\ntwo:x:70:\n');
    expect(read('etc/shadow').split('\n')).toHaveLength(5);
    expect(read('etc/shadow')).toMatch(/^(\w+:!:1::::::\n)+$/);
    expect(JSON.parse(read('usr/lib/bulkhead/image.json'))).toMatchObject({ revision: 'abc' });
    expect(readlinkSync(join(tree, 'usr/lib/bulkhead/config.yaml'))).toBe(at('config.yaml'));
    expect(readlinkSync(join(tree, 'usr/bin/bulkhead'))).toBe(at('bulkhead/bin/bulkhead'));
    expect(statSync(join(tree, 'nix/store/systemd-1')).isDirectory()).toBe(true);
    expect(statSync(join(tree, 'etc/systemd/journald.conf')).isFile()).toBe(true);
    // As the initrd has it in its last line.
    const init = /exec switch_root \/newroot (\S+)/.exec(
      readFileSync(join(NIX, '../iso/initrd/init'), 'utf8'),
    )?.[1];
    expect(statSync(join(tree, init ?? '')).mode & 0o777).toBe(0o755);
    expect(
      read(init ?? '')
        .split('\n')
        .at(0),
    ).toBe(`#!${store}/bash/bin/sh`);
    // Whatever the initrd mounts something on has to be there: the root is read-only.
    for (const folder of ['boot', 'var', 'dev', 'run', 'proc', 'sys', 'etc/machine-id'])
      expect(() => statSync(join(tree, folder)), folder).not.toThrow();
  });
});
