// @ts-check

/**
 * What building, starting and testing need from Debian 12, each with its reason. A package that nothing needs
 * any more leaves this list with the code that used it.
 *
 * @type {readonly (readonly [name: string, reason: string])[]}
 */
export const DEBIAN_PACKAGES = [
  ['busybox-static', 'programs of the initrd'],
  ['ca-certificates', 'TLS to the package mirror'],
  ['chromium', 'tests look at the status page in a real browser'],
  ['cpio', 'packs the initrd'],
  ['cryptsetup-bin', 'veritysetup: tests compare our dm-verity tree with the reference'],
  ['debian-archive-keyring', 'keys that mmdebstrap checks the package lists with'],
  ['dnsmasq-base', 'a real DHCP and DNS server for tests in network namespaces'],
  ['dosfstools', 'mkfs.fat for the ESP'],
  ['e2fsprogs', 'mkfs.ext4, e2fsck and debugfs for the data partition'],
  ['erofs-utils', 'mkfs.erofs for the slot image'],
  ['fdisk', 'sfdisk: partition tables are compared with what it reads'],
  ['file', 'tests say what a damaged file looks like'],
  ['gcc', 'compiles the static helper that opens dm-verity in the initrd'],
  ['gdisk', 'sgdisk writes and checks GPT'],
  ['grub-common', 'grub-mkimage, grub-script-check'],
  ['grub-efi-amd64-bin', 'modules of the boot loader'],
  ['iproute2', 'network namespaces in tests'],
  ['libc6-dev', 'headers and static C library for that helper'],
  ['linux-libc-dev', 'kernel headers for that helper'],
  ['mmdebstrap', 'unpacks the Debian base of the image'],
  ['mtools', 'reads and writes FAT without mounting'],
  ['nftables', 'the firewall is checked and loaded for real'],
  ['openssh-client', 'tests log in to the appliance; ssh-keygen'],
  ['ovmf', 'UEFI firmware of the virtual machine'],
  ['procps', 'tests watch processes and memory'],
  ['qemu-system-x86', 'the virtual machine'],
  ['qemu-utils', 'qemu-img: disk images'],
  ['squashfs-tools', 'measures the image against squashfs'],
  ['util-linux', 'setpriv, unshare, losetup'],
  ['xorriso', 'writes the ISO'],
  ['xz-utils', 'unpacks kernel modules and firmware'],
  ['zstd', 'compresses the initrd'],
];
