import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

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
  /^(50-firmware|50-udev-default|55-dm|60-block|60-input-id|60-persistent-storage|60-persistent-storage-dm|60-serial|64-ext4|70-power-switch|75-net-description|80-drivers|80-net-setup-link|90-iocost|95-dm-notify|99-systemd)\.rules$/;

/** Units that do nothing here, or would write where nothing can be written. */
export const MASKED_UNITS = [
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

/** Takes out of an unpacked base what the appliance never uses. */
export function trimTree(target: string): void {
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
  dropPrivileges(target);
  dropOrphanScripts(target);
}

const SET_ID_BITS = 0o6000;

/**
 * Nobody becomes somebody else here: root logs in as root, services get their user from systemd. So no program gives its
 * caller another user or group.
 */
function dropPrivileges(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) dropPrivileges(path);
    if (!entry.isFile()) continue;
    const { mode } = lstatSync(path);
    if ((mode & SET_ID_BITS) !== 0) chmodSync(path, mode & 0o7777 & ~SET_ID_BITS);
  }
}

/** Longest first line that the kernel reads (BINPRM_BUF_SIZE of Linux). */
const INTERPRETER_LINE_BYTES = 256;

/** Scripts whose interpreter was taken out (Perl) only look as if they could be run. */
function dropOrphanScripts(target: string): void {
  for (const folder of ['usr/bin', 'usr/sbin']) {
    if (!existsSync(join(target, folder))) continue;
    for (const entry of readdirSync(join(target, folder), { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(target, folder, entry.name);
      const interpreter = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(firstLine(path));
      if (!interpreter) continue;
      const [, program = '', argument = ''] = interpreter;
      const wanted = program.endsWith('/env') ? `/usr/bin/${argument}` : program;
      // /bin and /sbin are links to their namesakes below /usr.
      if (!isThere(join(target, wanted.replace(/^\/(s?bin)\//, '/usr/$1/')))) rmSync(path);
    }
  }
}

/** Also a link that leads out of the tree, as /usr/bin/sh does while the tree is not a root. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function firstLine(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(INTERPRETER_LINE_BYTES);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    return bytes.toString('latin1', 0, length).split('\n', 1)[0] ?? '';
  } finally {
    closeSync(file);
  }
}
