// @ts-check

/**
 * What building, starting and testing need from Debian 12, each with its reason. A package that nothing needs
 * any more leaves this list with the code that used it.
 *
 * @type {readonly (readonly [name: string, reason: string])[]}
 */
export const DEBIAN_PACKAGES = [
  ['busybox-static', 'a DHCP client and ping in tests of the firewall'],
  ['ca-certificates', 'TLS to the package mirror'],
  ['chromium', 'tests look at the status page in a real browser'],
  ['cpio', 'tests read initrds; bench copies the checkout'],
  ['cryptsetup-bin', 'veritysetup: tests compare our dm-verity tree with the reference'],
  ['debian-archive-keyring', 'keys that mmdebstrap checks the package lists with'],
  ['dnsmasq-base', 'a real DHCP and DNS server for tests in network namespaces'],
  ['dosfstools', 'mkfs.fat for the ESP'],
  ['e2fsprogs', 'mkfs.ext4, e2fsck and debugfs for the data partition'],
  ['fdisk', 'sfdisk: partition tables are compared with what it reads'],
  ['gdisk', 'sgdisk writes and checks GPT'],
  ['git', 'the image says which commit it is made from'],
  ['grub-common', 'grub-mkimage, grub-script-check, grub-editenv: tests run the real boot loader'],
  ['grub-efi-amd64-bin', 'modules of the boot loader'],
  ['iproute2', 'network namespaces in tests'],
  ['mmdebstrap', 'unpacks the Debian base of the image'],
  ['mtools', 'reads and writes FAT without mounting'],
  ['nftables', 'the firewall is checked and loaded for real'],
  ['nix-bin', 'tests evaluate the flake and its modules'],
  ['openssh-client', 'tests log in to the appliance; ssh-keygen'],
  ['openssh-server', 'the peer of what the appliance does over SSH, in unit tests'],
  ['openssl', 'certificates and signatures that tests compare ours with'],
  ['ovmf', 'UEFI firmware of the virtual machine'],
  ['postgresql-15', 'tests run the coordinator on a PostgreSQL of their own'],
  ['procps', 'tests watch processes and memory'],
  ['protobuf-compiler', 'protoc: npm run proto, and the test that its result is checked in'],
  ['python3-grpcio', 'tests talk to the sensor service by another implementation of gRPC'],
  ['qemu-system-x86', 'the virtual machine'],
  ['qemu-utils', 'qemu-img: disk images'],
  ['shellcheck', 'the sensor for Linux is held to POSIX sh'],
  ['systemd', 'systemctl enables the units of the image'],
  ['util-linux', 'setpriv, unshare, losetup'],
  ['xorriso', 'tests of the installer write a medium'],
  ['xz-utils', 'unpacks source packages of Debian for the full tests'],
  ['zstd', 'tests read initrds; bench packs deltas the way others do'],
];
