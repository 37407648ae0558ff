# nix/packages/image.nix with stand-ins for packages and for the evaluated system: what its scripts say.
#
#   store  where the packages lie, instead of /nix/store
{ nixpkgsLib, store }:
let
  lib = import nixpkgsLib;
  fake = name: {
    type = "derivation";
    inherit name;
    outPath = "${store}/${name}";
    fd = fake "${name}-fd";
    bin = fake name;
  };
  written = name: text: fake name // { inherit text; };
  pkgs =
    lib.genAttrs [
      "OVMF"
      "bash"
      "coreutils"
      "cpio"
      "cryptsetup"
      "dosfstools"
      "e2fsprogs"
      "erofs-utils"
      "fakeroot"
      "findutils"
      "gptfdisk"
      "grub2_efi"
      "kmod"
      "mtools"
      "qemu"
      "shadow"
      "squashfsTools"
      "util-linux"
      "xorriso"
    ] fake
    // {
      runCommand = name: _: written name;
      writeScript = written;
      writeText = written;
      writeShellApplication = { name, text, ... }: written name text;
      closureInfo = _: fake "closure";
      buildEnv = _: fake "env";
      callPackage = _: _: fake "initrd";
      vmTools = {
        runInLinuxVM = derivation: derivation;
        createEmptyImage = _: "";
      };
    };
  user = name: uid: {
    inherit name uid;
    group = name;
    description = "user ${name}";
    home = "/var/empty";
  };
  image = import ../packages/image.nix {
    inherit lib pkgs;
    modules.appliance = { };
    nixpkgs.lib.nixosSystem = _: {
      config = {
        system.build = lib.genAttrs [
          "etc"
          "toplevel"
        ] fake;
        systemd.package = fake "systemd";
        hardware.firmware = fake "firmware";
        boot.kernelPackages.kernel = fake "kernel";
        bulkhead.files."/usr/lib/bulkhead/config.yaml" = fake "config.yaml";
        users.users = {
          root = user "root" 0;
          msp = user "msp" 900;
          # Those that NixOS leaves to activation.
          one = user "one" null;
          two = user "two" null;
        };
        users.groups = {
          root = {
            gid = 0;
            members = [ ];
          };
          msp = {
            gid = 900;
            members = [ "root" ];
          };
          one = {
            gid = null;
            members = [ ];
          };
          two = {
            gid = 70;
            members = [ ];
          };
        };
      };
    };
    programs = lib.genAttrs [
      "bulkhead"
      "bun"
      "nodeModules"
      "source"
    ] fake;
    revision = {
      id = "abc";
      time = "2026-01-01T00:00:00Z";
    };
    system = "x86_64-linux";
  };
in
{
  tree = image.rootTree.text;
  accounts = image.accounts.text;
  init = image.init.text;
  info = image.imageInfo.text;
  iso = image.appliance-iso.text;
  disk = image.appliance-disk-image.text;
  vm = image.appliance-vm.text;
  fleet = image.fleet.text;
  initrd =
    (import ../packages/initrd.nix (
      lib.genAttrs [
        "busybox"
        "cpio"
        "e2fsprogs"
        "kernel"
        "kmod"
        "lvm2"
        "patchelf"
        "xz"
        "zstd"
      ] fake
      // {
        inherit lib;
        inherit (pkgs) runCommand;
        stdenv.cc.libc = fake "glibc";
        makeModulesClosure = _: fake "modules";
        rootModules = [ ];
      }
    )).text;
}
