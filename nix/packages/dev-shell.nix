# What working on the repository needs beside npm's packages. Image and boot tests want Debian (docs/develop/building.md).
{ pkgs }:
pkgs.mkShell {
  packages = [
    pkgs.git
    pkgs.nodejs
    pkgs.openssl
    pkgs.nixfmt
  ]
  ++ pkgs.lib.optionals pkgs.stdenv.hostPlatform.isLinux [
    pkgs.cryptsetup
    pkgs.dosfstools
    pkgs.e2fsprogs
    pkgs.gptfdisk
    pkgs.grub2_efi
    pkgs.iproute2
    pkgs.mtools
    pkgs.nftables
    pkgs.postgresql
    pkgs.qemu
    pkgs.zstd
  ];
  shellHook = ''
    [ -d node_modules ] || echo "npm ci --ignore-scripts && node node_modules/bun/install.js"
  '';
}
