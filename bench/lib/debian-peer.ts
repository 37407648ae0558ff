import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { removeTree } from '../../base/remove-tree.ts';
import { run, runOrThrow } from '../../base/run.ts';
import { fetchPackages, packageFile } from '../../iso/build/fetch-packages.ts';
import { findMirror } from '../../iso/build/mirror.ts';
import { type LockedPackage, readPackageLock } from '../../iso/build/package-lock.ts';
import { BUILD } from '../../test/qemu/fixtures/image.ts';
import type { DiskFile } from '../../test/qemu/harness/options.ts';
import { PEER_TIMEOUT_MS } from './limits.ts';
import { assemblePeerDisk, PEER_ESP_UUID, PEER_ROOT_UUID } from './peer-disk.ts';

/**
 * The peer: Debian trixie put together as its cloud images are, with the very kernel package of the appliance and a page
 * on port 80. Where a cloud image has a choice, the faster one is taken: no boot menu, no search for a data source, no
 * netplan in front of systemd-networkd, `quiet`.
 */
const PACKAGES = [
  'cloud-init',
  'dbus',
  'e2fsprogs',
  'grub-common',
  'grub-efi-amd64-bin',
  'initramfs-tools',
  'nginx-light',
  'openssh-server',
  'systemd-resolved',
  'systemd-sysv',
  'systemd-timesyncd',
  'udev',
  'zstd',
];

const ROOT_FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'debian-peer\n',
  'etc/hosts': '127.0.0.1 localhost debian-peer\n::1 localhost\n',
  'etc/machine-id': 'uninitialized\n',
  'etc/fstab': [
    `UUID=${PEER_ROOT_UUID} / ext4 rw,discard,errors=remount-ro 0 1`,
    `UUID=${PEER_ESP_UUID} /boot/efi vfat defaults,umask=0077 0 0\n`,
  ].join('\n'),
  'etc/systemd/network/80-dhcp.network': '[Match]\nName=en*\n\n[Network]\nDHCP=yes\n',
  'etc/cloud/cloud.cfg.d/90-peer.cfg': 'datasource_list: [ None ]\nnetwork: { config: disabled }\n',
  // The one thing that no cloud image has: the page says how much memory is free, so that nobody has to log in and use some.
  'etc/systemd/system/peer-memory.service':
    '[Service]\nType=oneshot\nExecStart=/bin/cp /proc/meminfo /var/www/html/meminfo\n',
  'etc/systemd/system/peer-memory.timer':
    '[Timer]\nOnActiveSec=60\nOnUnitActiveSec=30\n\n[Install]\nWantedBy=timers.target\n',
  'var/www/html/index.html': '<!doctype html><title>peer</title><p>Debian answers.\n',
};

/** The built peer. */
export interface DebianPeer {
  disk: DiskFile;
  packages: number;
  kernel: string;
}

/**
 * The peer's disk as installed, never booted. Built once for a kernel and a version of this recipe, kept below build/bench.
 *
 * @throws BulkheadError BENCH_PEER_KERNEL when the lock names no kernel; what mmdebstrap and the mirror say
 */
export async function preparePeer(progress: (text: string) => void): Promise<DebianPeer> {
  const lock = readPackageLock();
  const kernel = lock.sets['kernel']?.[0];
  if (!kernel) throw new BulkheadError('BENCH_PEER_KERNEL', 'the package lock names no kernel');
  const recipe = ['debian-peer.ts', 'peer-disk.ts'].map((name) =>
    readFileSync(join(import.meta.dirname, name), 'utf8'),
  );
  const key = createHash('sha256')
    .update([kernel.sha256, ...recipe].join('\0'))
    .digest('hex')
    .slice(0, 16);
  const folder = join(BUILD, 'bench', `debian-peer-${key}`);
  const facts = join(folder, 'packages');
  if (!existsSync(folder)) {
    await removeOlderPeers();
    const unfinished = `${folder}.unfinished`;
    mkdirSync(unfinished, { recursive: true });
    progress(`building the Debian peer with ${kernel.name} ${kernel.version}`);
    await build(unfinished, kernel, lock.suite);
    renameSync(unfinished, folder);
  }
  return {
    disk: { path: join(folder, 'disk.raw'), format: 'raw' },
    packages: Number(readFileSync(facts, 'utf8')),
    kernel: `${kernel.name} ${kernel.version}`,
  };
}

/** Each takes most of a gigabyte. */
async function removeOlderPeers(): Promise<void> {
  const home = join(BUILD, 'bench');
  if (!existsSync(home)) return;
  for (const name of readdirSync(home))
    if (name.startsWith('debian-peer-')) await removeTree(run, join(home, name));
}

async function build(folder: string, kernel: LockedPackage, suite: string): Promise<void> {
  const tree = join(folder, 'tree');
  const cache = join(BUILD, 'cache/packages');
  const mirror = findMirror(process.env);
  await fetchPackages([kernel], mirror, cache, () => {});
  const kernelPackage = join(folder, 'kernel.deb');
  copyFileSync(packageFile(cache, kernel), kernelPackage);
  await runOrThrow(
    run,
    'mmdebstrap',
    [
      ...['--mode=root', '--variant=important', '--format=directory', `--include=${PACKAGES.join(',')}`],
      '--aptopt=APT::Install-Recommends "false"',
      `--customize-hook=copy-in ${kernelPackage} /tmp`,
      '--customize-hook=chroot "$1" apt-get install -y --no-install-recommends /tmp/kernel.deb',
      // Cloud images configure the network with systemd-networkd.
      '--customize-hook=chroot "$1" apt-get purge -y ifupdown',
      '--customize-hook=rm "$1"/tmp/kernel.deb',
      suite,
      tree,
      `deb ${mirror.main} ${suite} main`,
      `deb ${mirror.security} ${suite}-security main`,
    ],
    { timeout_ms: PEER_TIMEOUT_MS },
  );
  await configure(tree);
  await assemblePeerDisk(tree, join(folder, 'disk.raw'), folder);
  const status = readFileSync(join(tree, 'var/lib/dpkg/status'), 'utf8');
  const count = status.match(/^Status: install ok installed$/gm)?.length ?? 0;
  writeFileSync(join(folder, 'packages'), `${count}\n`);
  rmSync(kernelPackage);
  await removeTree(run, tree);
}

/** What the maker of a cloud image does to an unpacked tree. */
async function configure(tree: string): Promise<void> {
  for (const [path, content] of Object.entries(ROOT_FILES)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  mkdirSync(join(tree, 'boot/efi'), { recursive: true });
  for (const name of readdirSync(join(tree, 'etc/ssh')))
    if (name.startsWith('ssh_host_')) rmSync(join(tree, 'etc/ssh', name));
  const units = ['systemd-networkd.service', 'peer-memory.timer'];
  await runOrThrow(run, 'systemctl', ['--root', tree, '--quiet', 'enable', ...units]);
}
