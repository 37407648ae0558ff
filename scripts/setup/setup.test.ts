import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isCode, listFiles, readText } from '../../test/repository/tree.ts';
import { aptCommands, missingFrom } from './debian.mjs';
import { DEBIAN_PACKAGES } from './debian-packages.mjs';
import {
  bunVersion,
  fetchedPackages,
  lacksOtherPlatforms,
  nodeModulesFresh,
  repairBun,
  withoutRequests,
} from './npm.mjs';
import { requireRoot, runWatched } from './run.mjs';

const ENTRY = resolve(import.meta.dirname, '../setup.mjs');

test('only what is not installed counts as missing, with its reason', () => {
  const wanted = [
    ['ovmf', 'firmware'],
    ['gdisk', 'tables'],
    ['mtools', 'FAT'],
  ] as const;
  expect(missingFrom('ovmf installed\nmtools config-files\n', wanted)).toEqual([wanted[1], wanted[2]]);
});

test('the list is sorted, without doubles, and every package has a reason', () => {
  const names = DEBIAN_PACKAGES.map(([name]) => name);
  expect(names).toEqual([...new Set(names)].sort());
  for (const [name, reason] of DEBIAN_PACKAGES) expect(reason.length, name).toBeGreaterThan(3);
});

/** What of each package the code starts or opens; a package without that is installed for nothing. */
const USED: Readonly<Record<string, RegExp>> = {
  'busybox-static': /'busybox', \['udhcpc'/,
  'ca-certificates': /mirror/,
  chromium: /'\/usr\/bin\/chromium'/,
  cpio: /'cpio'|\| cpio --/,
  'cryptsetup-bin': /run, 'veritysetup'/,
  'debian-archive-keyring': /debian-archive-keyring|'apt-get'/,
  'dnsmasq-base': /'dnsmasq'/,
  dosfstools: /'mkfs\.(fat|vfat)'/,
  e2fsprogs: /'mkfs\.ext4'/,
  fdisk: /'sfdisk'/,
  gdisk: /'sgdisk'/,
  git: /'git'/,
  'grub-common': /'grub-script-check'/,
  'grub-efi-amd64-bin': /\/usr\/lib\/grub\/x86_64-efi/,
  iproute2: /'ip'/,
  mmdebstrap: /'mmdebstrap'/,
  mtools: /'mcopy'/,
  nftables: /'nft'/,
  'nix-bin': /'nix-instantiate'/,
  'openssh-client': /'ssh-keygen'/,
  'openssh-server': /\/usr\/sbin\/sshd/,
  openssl: /'openssl'/,
  ovmf: /OVMF/,
  'postgresql-15': /\/usr\/lib\/postgresql/,
  procps: /'ps'/,
  'protobuf-compiler': /'protoc'/,
  'python3-grpcio': /python-client\.py/,
  'qemu-system-x86': /'qemu-system-x86_64'/,
  'qemu-utils': /'qemu-img'/,
  shellcheck: /'shellcheck'/,
  systemd: /'systemctl', \['--root'/,
  'util-linux': /'unshare'/,
  xorriso: /'xorriso'/,
  'xz-utils': /xz unpacks|\.tar\.xz/,
  zstd: /'zstd'|\| zstd /,
};

test('every package is used by some code', async () => {
  expect(Object.keys(USED).sort()).toEqual(DEBIAN_PACKAGES.map(([name]) => name));
  const files = (await listFiles()).filter((file) => isCode(file) && !file.startsWith('scripts/setup/'));
  const code = files.map(readText).join('\n');
  for (const [name, use] of Object.entries(USED)) expect(use.test(code), name).toBe(true);
});

test('root installs directly, others through sudo, and without sudo the command to type is named', () => {
  const root = aptCommands(['ovmf'], 0, () => false);
  expect(root.install.program).toBe('apt-get');
  expect(root.install.args).toEqual(expect.arrayContaining(['--no-install-recommends', 'ovmf']));
  expect(root.install.env).toEqual({ DEBIAN_FRONTEND: 'noninteractive' });
  const user = aptCommands(['ovmf'], 1000, () => true);
  expect([user.install.program, ...user.install.args.slice(0, 2)]).toEqual([
    'sudo',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
  ]);
  expect(() => aptCommands(['ovmf'], 1000, () => false)).toThrow(/neither root nor is sudo/);
});

test('npm packages are fresh when npm finished after the lock file was written', () => {
  const root = folder();
  writeFileSync(join(root, 'package-lock.json'), '{}');
  expect(nodeModulesFresh(root)).toBe(false);
  mkdirSync(join(root, 'node_modules'));
  expect(nodeModulesFresh(root)).toBe(false); // npm was interrupted: its last file is missing
  const done = join(root, 'node_modules/.package-lock.json');
  writeFileSync(done, '{}');
  expect(nodeModulesFresh(root)).toBe(true);
  utimesSync(done, new Date(0), new Date(0));
  expect(nodeModulesFresh(root)).toBe(false);
});

const LOCK = JSON.stringify({
  packages: {
    '': { dependencies: { yaml: '2.9.1' }, devDependencies: { '@biomejs/biome': '2.6.8' } },
    'node_modules/yaml': { version: '2.9.1', peerDependencies: { vite: '*' } },
    'node_modules/@biomejs/biome': {
      version: '2.6.8',
      optionalDependencies: { '@biomejs/cli-android-arm64': '2.6.8' },
    },
  },
});

test.each([
  ['without a version, as a registry that lacks them makes npm say it', '@biomejs/cli-android-arm64@'],
  ['with a version, as the public registry makes npm say it', '@biomejs/cli-android-arm64@2.6.8'],
  ['with what a package of another platform requires', '@emnapi/core@1.7.0'],
])('a lock file without packages of other platforms is installed in the tolerant way: %s', (_, name) => {
  const missing = `npm error Missing: ${name} from lock file\n`;
  expect(lacksOtherPlatforms(`npm error code EUSAGE\n${missing}${missing}`, LOCK)).toBe(true);
});

test('a lock file that does not fit is refused, whatever else it leaves out', () => {
  const missing = 'npm error Missing: @biomejs/cli-android-arm64@2.6.8 from lock file\n';
  for (const fault of [
    'npm error Missing: yaml@2.9.1 from lock file\n',
    'npm error Missing: @biomejs/biome@2.6.8 from lock file\n',
    'npm error Missing: vite@7.0.0 from lock file\n',
    "npm error Invalid: lock file's yaml@1.0.0 does not satisfy yaml@2.9.1\n",
  ]) {
    expect(lacksOtherPlatforms(missing + fault, LOCK), fault).toBe(false);
  }
  expect(lacksOtherPlatforms('npm error code ENOTFOUND', LOCK)).toBe(false);
});

test('every optional package that the real lock file leaves out may be missing, and no other', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
  };
  const names = new Set(Object.keys(packages).map((path) => path.split('node_modules/').pop() ?? ''));
  const left = Object.values(packages)
    .flatMap(({ optionalDependencies }) => Object.entries(optionalDependencies ?? {}))
    .filter(([name]) => !names.has(name));
  const complaint = (name: string, version: string) =>
    `npm error Missing: ${name}@${version} from lock file\n`;
  expect(lacksOtherPlatforms(left.map(([name, version]) => complaint(name, version)).join(''), text)).toBe(
    true,
  );
  expect(lacksOtherPlatforms(complaint('elysia', '1.4.30'), text)).toBe(false);
});

test('while npm works it is said how far it is, and its own words are kept', async () => {
  const seen: [number, number][] = [];
  const script =
    'echo "npm http fetch GET 200 https://registry.example/yaml/-/yaml-2.9.1.tgz 12ms" >&2; sleep 0.3; echo done; exit 3';
  const { ok, words } = await runWatched(
    { program: 'sh', args: ['-c', script] },
    (seconds, soFar) => seen.push([seconds, fetchedPackages(soFar)]),
    100,
  );
  expect(ok).toBe(false);
  expect(seen).toContainEqual([0, 1]);
  expect(withoutRequests(words)).toBe('done\n');
  expect(await runWatched({ program: '/nowhere/npm', args: [] }, () => undefined)).toMatchObject({
    ok: false,
  });
});

test('a Bun without its install script is repaired; one that stays broken is reported', () => {
  const root = folder();
  const bun = join(root, 'node_modules/.bin/bun');
  const script = join(root, 'node_modules/bun/install.js');
  for (const file of [bun, script]) mkdirSync(dirname(file), { recursive: true });
  writeFileSync(bun, '#!/bin/sh\necho "Bun\'s postinstall script was not run." >&2\nexit 1\n');
  chmodSync(bun, 0o755);
  writeFileSync(script, '');
  expect(bunVersion(root)).toBeUndefined();
  expect(() => repairBun(root)).toThrow(/after its install script ran/);
  writeFileSync(script, `require('fs').writeFileSync(${JSON.stringify(bun)}, '#!/bin/sh\\necho 1.2.3\\n')`);
  repairBun(root);
  expect(bunVersion(root)).toBe('1.2.3');
});

test('the entry runs with plain node and nothing installed, and says what is missing', () => {
  const root = checkout();
  writeFileSync(join(root, 'package-lock.json'), '{}');
  const check = () =>
    spawnSync('node', [join(root, 'scripts/setup.mjs'), '--npm', '--check'], { encoding: 'utf8' });
  expect(check()).toMatchObject({ status: 1, stderr: expect.stringContaining('npm packages are missing') });
  expect(existsSync(join(root, 'node_modules'))).toBe(false);
  expect(spawnSync('node', [ENTRY, '--nonsense'], { encoding: 'utf8' }).stderr).toContain(
    "unknown option '--nonsense'",
  );
});

test('who is not root hears so before anything is installed, with the command to type', () => {
  const setup = join(checkout(), 'scripts/setup.mjs');
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  for (const [script, command] of [
    ['start', 'sudo npm start'],
    ['test:boot', 'sudo npm run test:boot'],
  ] as const) {
    const env = { ...process.env, npm_lifecycle_event: script };
    const { status, stderr } = spawnSync('node', [setup, '--image'], { encoding: 'utf8', env, ...nobody });
    expect(status).toBe(1);
    expect(stderr.split('\n')[0]).toBe(
      'setup: building the image needs root, and this is not root; nothing was done',
    );
    expect(stderr).toContain(`-> ${command} (`);
  }
  expect(() => requireRoot(0, 'start')).not.toThrow();
});

test('every npm script that builds or boots the image asks for root first, and only those', () => {
  const { scripts } = JSON.parse(
    readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as { scripts: Record<string, string> };
  const rootless = [
    'test:unit',
    'test:nix',
    'build',
    'lock',
    'proto',
    'bench:coordinator',
    'bench:sensors',
    'format',
  ];
  for (const [name, command] of Object.entries(scripts))
    expect(command.includes('setup.mjs --image'), name).toBe(!rootless.includes(name));
});

test('with nothing to do it is done at once and silent', () => {
  const began = performance.now();
  const result = spawnSync('node', [ENTRY, '--npm'], { encoding: 'utf8' });
  expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(performance.now() - began).toBeLessThan(2_000); // a third of a second on an idle machine
});

/** The set-up alone, as in a clone where nothing was installed yet. */
function checkout(): string {
  const root = folder();
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'scripts/setup'), { recursive: true });
  const files = [
    'setup.mjs',
    'setup/debian.mjs',
    'setup/debian-packages.mjs',
    'setup/npm.mjs',
    'setup/run.mjs',
  ];
  for (const file of files)
    writeFileSync(join(root, 'scripts', file), readFileSync(join(dirname(ENTRY), file)));
  return root;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'bulkhead-setup-test-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
