import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';
import { installModules, type KernelTree } from './kernel-modules.ts';

/** Where kernel, initrd and boot loader files lie inside the slot: the installer copies the loader from here. */
export const BOOT_FOLDER = '/usr/lib/bulkhead/boot';

/** Unprivileged user of the agent; fixed ids, because files on the data partition outlive the image. */
export const AGENT_UID = 900;

/** What a read-only appliance never uses. Paths below the root; a final `*` takes everything in the folder. */
const TRIMMED = [
  'var/*',
  'tmp/*',
  'run/*',
  'boot/*',
  'media/*',
  'mnt/*',
  'root/.bashrc',
  'root/.profile',
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'usr/share/lintian',
  'usr/share/debconf',
  'usr/share/perl5',
  'usr/share/bash-completion',
  'usr/share/zsh',
  'usr/share/gcc',
  'usr/share/pixmaps',
  'usr/lib/x86_64-linux-gnu/perl-base',
  'usr/lib/apt',
  'usr/lib/dpkg',
  'usr/share/dpkg',
  'usr/lib/x86_64-linux-gnu/perl',
  'usr/lib/udev/hwdb.bin',
  'usr/lib/udev/hwdb.d',
  'usr/lib/systemd/catalog',
  'usr/share/zoneinfo/right',
  'usr/share/zoneinfo/posix',
  'usr/bin/openssl',
  'usr/bin/perl',
  'usr/bin/perl5*',
  'usr/bin/dpkg*',
  'usr/bin/debconf*',
  'usr/sbin/dpkg*',
  'usr/bin/apt*',
  'usr/bin/deb-systemd*',
  'etc/apt',
  'etc/dpkg',
  'etc/cron.d',
  'etc/cron.daily',
  'etc/init.d',
  'etc/rc0.d',
  'etc/rc1.d',
  'etc/rc2.d',
  'etc/rc3.d',
  'etc/rc4.d',
  'etc/rc5.d',
  'etc/rc6.d',
  'etc/rcS.d',
  'etc/logrotate.d',
  'etc/motd',
  'etc/machine-id',
  'etc/hostname',
  'etc/resolv.conf',
  'etc/ssh',
];

/** Generators guess at disks, consoles and sockets; this system says what it wants. */
const KEPT_GENERATORS = new Set<string>();

/** Rules for devices the appliance has; the others only slow a boot down. */
const KEPT_UDEV_RULES =
  /^(50-firmware|50-udev-default|55-dm|60-block|60-persistent-storage|60-persistent-storage-dm|60-serial|64-ext4|75-net-description|80-drivers|80-net-setup-link|90-iocost|95-dm-notify|99-systemd)\.rules$/;

/** Units that do nothing here, or would write where nothing can be written. */
const MASKED_UNITS = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@tty1.service',
  'getty.target',
  'autovt@.service',
  'ldconfig.service',
  'systemd-firstboot.service',
  'systemd-hwdb-update.service',
  'systemd-journal-catalog-update.service',
  'systemd-journal-flush.service',
  'systemd-machine-id-commit.service',
  'systemd-random-seed.service',
  'systemd-pstore.service',
  'systemd-sysusers.service',
  'systemd-update-done.service',
  'systemd-update-utmp.service',
  'systemd-networkd-wait-online.service',
  'systemd-remount-fs.service',
  'systemd-logind.service',
  'systemd-user-sessions.service',
  'systemd-binfmt.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'sys-kernel-config.mount',
  'modprobe@configfs.service',
  'modprobe@drm.service',
  'modprobe@fuse.service',
  'modprobe@dm_mod.service',
  'modprobe@loop.service',
  'modprobe@efi_pstore.service',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-hibernate-clear.service',
  'systemd-rfkill.service',
  'systemd-rfkill.socket',
  'systemd-boot-random-seed.service',
  'systemd-pcrphase.service',
  'systemd-pcrphase-sysinit.service',
  'systemd-tpm2-setup.service',
  'systemd-tpm2-setup-early.service',
  'systemd-pcrmachine.service',
  'systemd-mountfsd.socket',
  'systemd-nsresourced.socket',
  'systemd-creds.socket',
  'systemd-bootctl.socket',
  'systemd-hostnamed.socket',
  'systemd-sysext.socket',
  'systemd-udev-load-credentials.service',
  'systemd-networkd-persistent-storage.service',
  'systemd-tmpfiles-clean.timer',
  'ssh.service',
  'ssh.socket',
  'sshd-keygen.service',
  'wpa_supplicant.service',
  'nftables.service',
  'ssh-access.target',
  'sshd-unix-local.socket',
  'sshd-vsock.socket',
];

export interface ImageTreeOptions {
  baseRoot: string;
  target: string;
  /** The compiled program. */
  program: string;
  kernelFile: string;
  initrdFile: string;
  loaderFile: string;
  kernel: KernelTree;
  modules: readonly string[];
  /** Runs programs of the locked tool tree. */
  tools: Run;
  /** Folder with unpacked firmware packages, or undefined to leave firmware out. */
  firmwareRoot: string | undefined;
  imageInfo: { version: string; revision: string; built_at: string };
  sbom: string;
  epoch_s: number;
}

/** The finished root tree: Debian's base without what is never used, the overlay of iso/rootfs, the program. */
export async function buildImageTree(run: Run, options: ImageTreeOptions): Promise<void> {
  const { baseRoot, target } = options;
  rmSync(target, { recursive: true, force: true });
  await runOrThrow(run, 'cp', ['-a', '--reflink=auto', baseRoot, target], { timeout_ms: 300_000 });
  trim(target);
  for (const folder of ['boot', 'var', 'run', 'tmp', 'usr/lib/bulkhead/boot', 'etc/ssh'])
    mkdirSync(join(target, folder), { recursive: true });
  cpSync(join(import.meta.dirname, '../rootfs'), target, { recursive: true, verbatimSymlinks: true });
  install(options.program, join(target, 'usr/bin/bulkhead'), 0o755);
  install(options.kernelFile, join(target, BOOT_FOLDER, 'vmlinuz'), 0o644);
  install(options.initrdFile, join(target, BOOT_FOLDER, 'initrd'), 0o644);
  install(options.loaderFile, join(target, BOOT_FOLDER, 'BOOTX64.EFI'), 0o644);
  install(
    join(import.meta.dirname, '../../partitions/grub/grub.cfg'),
    join(target, BOOT_FOLDER, 'grub.cfg'),
    0o644,
  );
  writeFileSync(
    join(target, 'usr/lib/bulkhead/image.json'),
    `${JSON.stringify(options.imageInfo, null, 1)}\n`,
  );
  writeFileSync(join(target, 'usr/lib/bulkhead/sbom.cdx.json'), options.sbom);
  await installModules(options.tools, options.kernel, options.modules, target);
  if (options.firmwareRoot) installFirmware(options.firmwareRoot, target);
  addUsers(target);
  addLinks(target);
  await enableUnits(run, target);
  await sealTimes(run, target, options.epoch_s);
}

function trim(target: string): void {
  for (const path of TRIMMED) {
    const folder = join(target, dirname(path));
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!name.includes('*')) {
      rmSync(join(folder, name), { recursive: true, force: true });
    } else if (existsSync(folder)) {
      const prefix = name.slice(0, name.indexOf('*'));
      for (const entry of readdirSync(folder)) {
        if (entry.startsWith(prefix)) rmSync(join(folder, entry), { recursive: true, force: true });
      }
    }
  }
  const rules = join(target, 'usr/lib/udev/rules.d');
  for (const name of readdirSync(rules)) if (!KEPT_UDEV_RULES.test(name)) rmSync(join(rules, name));
  const gconv = join(target, 'usr/lib/x86_64-linux-gnu/gconv');
  for (const name of readdirSync(gconv))
    if (!/^(gconv-modules|UTF|UNICODE|ISO8859-1\.so|ISO8859-15\.so|IBM850\.so|IBM437\.so)/.test(name))
      rmSync(join(gconv, name), { recursive: true });
  const masks = join(target, 'etc/systemd/system-generators');
  mkdirSync(masks, { recursive: true });
  for (const name of readdirSync(join(target, 'usr/lib/systemd/system-generators'))) {
    if (!KEPT_GENERATORS.has(name)) symlinkSync('/dev/null', join(masks, name));
  }
}

function installFirmware(source: string, target: string): void {
  const patterns = readFileSync(join(import.meta.dirname, '../firmware.txt'), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  for (const pattern of patterns) {
    for (const path of new Bun.Glob(pattern).scanSync({
      cwd: join(source, 'usr/lib/firmware'),
      followSymlinks: true,
    })) {
      install(join(source, 'usr/lib/firmware', path), join(target, 'usr/lib/firmware', path), 0o644);
    }
  }
}

function addUsers(target: string): void {
  append(
    target,
    'etc/passwd',
    `msp:x:${AGENT_UID}:${AGENT_UID}:Bulkhead agent:/var/lib/msp/agent:/usr/sbin/nologin\n`,
  );
  append(target, 'etc/group', `msp:x:${AGENT_UID}:\n`);
  append(target, 'etc/shadow', 'msp:!:1::::::\n');
}

function append(target: string, path: string, line: string): void {
  const file = join(target, path);
  writeFileSync(file, readFileSync(file, 'utf8') + line);
}

function addLinks(target: string): void {
  writeFileSync(join(target, 'etc/machine-id'), '');
  writeFileSync(join(target, 'etc/hostname'), 'bulkhead\n');
  for (const [path, destination] of [
    ['etc/resolv.conf', '/run/systemd/resolve/stub-resolv.conf'],
    ['etc/localtime', '/run/bulkhead/localtime'],
    ['etc/mtab', '/proc/self/mounts'],
    ['usr/bin/sh', 'dash'],
  ] as const) {
    rmSync(join(target, path), { force: true });
    symlinkSync(destination, join(target, path));
  }
}

async function enableUnits(run: Run, target: string): Promise<void> {
  const folder = join(target, 'etc/systemd/system');
  for (const unit of MASKED_UNITS) {
    rmSync(join(folder, unit), { recursive: true, force: true });
    symlinkSync('/dev/null', join(folder, unit));
  }
  symlinkSync('/usr/lib/systemd/system/multi-user.target', join(folder, 'default.target'));
  const own = readdirSync(join(import.meta.dirname, '../rootfs/usr/lib/systemd/system')).filter((name) =>
    /\.(service|timer|path|target|socket)$/.test(name),
  );
  const enabled = own.filter((name) =>
    readFileSync(join(target, 'usr/lib/systemd/system', name), 'utf8').includes('[Install]'),
  );
  const debian = [
    'systemd-networkd.service',
    'systemd-resolved.service',
    'systemd-timesyncd.service',
    'tmp.mount',
  ];
  await runOrThrow(run, 'systemctl', ['--root', target, '--quiet', 'enable', ...enabled, ...debian]);
}

function install(source: string, target: string, mode: number): void {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target, { dereference: true });
  chmodSync(target, mode);
}

/** One time for every file: mkfs.erofs would do it too, but an unpacked tree should look the same. */
async function sealTimes(run: Run, target: string, epoch_s: number): Promise<void> {
  await runOrThrow(run, 'find', [target, '-exec', 'touch', '-h', '-d', `@${epoch_s}`, '{}', '+'], {
    timeout_ms: 300_000,
  });
}
