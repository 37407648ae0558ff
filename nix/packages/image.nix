# The slot image of NixOS: the same blob, boot loader, kernel command line, initrd, updater and gate as the Debian one. Made of a root
# tree, a kernel and an initrd by the same program (iso/build/assemble-tree.ts).
{
  lib,
  modules,
  nixpkgs,
  pkgs,
  programs,
  revision,
  system,
  # Key set whose releases it installs; null: a development set made for this build, which no release of anybody else fits.
  keyset ? null,
  # More configuration of the system.
  extraModules ? [ ],
  # Version of the image; that of the program stays.
  version ? (lib.importJSON ../../package.json).version,
}:
let
  # Whoever can read the store can read these: for machines that never leave the people who build them.
  developmentKeys = pkgs.runCommand "bulkhead-development-keys" { } ''
    cp -r ${programs.source} source && chmod -R u+w source && cd source
    ln -s ${programs.nodeModules}/node_modules node_modules
    HOME=$TMPDIR ${programs.bun}/bin/bun -e '
      const { developmentKeys } = await import("./updater/signing/dev-keys.ts");
      developmentKeys(process.env.out, Date.now());
    '
  '';

  nixos = nixpkgs.lib.nixosSystem {
    inherit system;
    modules = [
      modules.appliance
      ./appliance-system.nix
      {
        bulkhead.package = programs.bulkhead;
        services.msp-appliance.enable = true;
        services.msp-ab-updates.keyset = if keyset == null then "${developmentKeys}/keyset.json" else keyset;
        system.nixos.label = version;
      }
    ]
    ++ extraModules;
  };
  inherit (nixos) config;
  toplevel = config.system.build.toplevel;

  wanted =
    class:
    map (match: builtins.elemAt match 0) (
      lib.filter (match: match != null) (
        map (builtins.match "${class} +([A-Za-z0-9_-]+).*") (
          lib.splitString "\n" (builtins.readFile ../../iso/modules.txt)
        )
      )
    );
  initrd = pkgs.callPackage ./initrd.nix {
    inherit (config.boot.kernelPackages) kernel;
    rootModules = wanted "initrd";
  };

  # What activation would have made on a writable root lies in the tree from the start; `init` does the little that is left.
  rootTree = pkgs.runCommand "bulkhead-root-tree-script" { } (
    ''
      cat > $out <<'SCRIPT'
      set -eu
      tree=$1
      mkdir -p "$tree"/{dev,proc,sys,run,tmp,var,boot,root,nix/store,etc,bin,usr/bin,usr/sbin,usr/lib/systemd,usr/lib/bulkhead/boot,usr/share}
      while read -r path; do cp -a "$path" "$tree/nix/store/"; done < ${
        pkgs.closureInfo { rootPaths = [ toplevel ] ++ lib.attrValues config.bulkhead.files; }
      }/store-paths
      chmod -R u+w "$tree/nix/store"
      cp -a ${config.system.build.etc}/etc/. "$tree/etc/"
      chmod -R u+w "$tree/etc"
      ln -sfn ${config.system.build.etc}/etc "$tree/etc/static"
      : > "$tree/etc/machine-id"
      ln -sfn /run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
      ln -sfn /run/bulkhead/localtime "$tree/etc/localtime"
      ln -sfn ../proc/self/mounts "$tree/etc/mtab"
      cp ${accounts}/* "$tree/etc/"
      ln -s ${pkgs.bash}/bin/sh "$tree/bin/sh"
      ln -s ${pkgs.coreutils}/bin/env "$tree/usr/bin/env"
      ln -s ${programs.bulkhead}/bin/bulkhead "$tree/usr/bin/bulkhead"
      ln -s ${pkgs.util-linux}/bin/wdctl "$tree/usr/bin/wdctl"
      install -m 0755 ${init} "$tree/usr/lib/systemd/systemd"
    ''
    + lib.concatStrings (
      lib.mapAttrsToList (path: target: ''
        mkdir -p "$tree${dirOf path}" && ln -sfn ${target} "$tree${path}"
      '') config.bulkhead.files
    )
    + ''
      cp ${imageInfo} "$tree/usr/lib/bulkhead/image.json"
      SCRIPT
    ''
  );

  imageInfo = pkgs.writeText "image.json" (
    builtins.toJSON {
      inherit version;
      revision = revision.id;
      built_at = revision.time;
    }
  );

  # Users of a root that nobody writes to.
  accounts =
    let
      users = lib.attrValues config.users.users;
      groups = config.users.groups;
      lines = lib.concatMapStrings (line: line + "\n");
      # Activation gives a number to who has none; here each gets one of its own, above those that NixOS gives out and below ours.
      numbered =
        key: entries:
        lib.listToAttrs (
          lib.imap0 (index: name: lib.nameValuePair name (toString (700 + index))) (
            lib.attrNames (lib.filterAttrs (_: entry: entry.${key} == null) entries)
          )
        );
      uids = numbered "uid" config.users.users;
      gids = numbered "gid" groups;
      uid = user: uids.${user.name} or (toString user.uid);
      gid = name: gids.${name} or (toString groups.${name}.gid);
    in
    pkgs.runCommand "bulkhead-accounts" { } ''
      mkdir $out
      cat > $out/passwd <<'EOF'
      ${lines (map (user: "${user.name}:x:${uid user}:${gid user.group}:${user.description}:${user.home}:${
        if user.name == "root" then "${pkgs.bash}/bin/bash" else "${pkgs.shadow}/bin/nologin"
      }") users)}EOF
      cat > $out/group <<'EOF'
      ${lines (lib.mapAttrsToList (name: group: "${name}:x:${gid name}:${lib.concatStringsSep "," group.members}") groups)}EOF
      # Nobody has a password.
      cat > $out/shadow <<'EOF'
      ${lines (map (user: "${user.name}:!:1::::::") users)}EOF
      sed -i '/^$/d' $out/*
    '';

  # Process 1: what activation does to the running kernel, then systemd. The initrd starts it under systemd's usual name.
  init = pkgs.writeScript "bulkhead-init" ''
    #!${pkgs.bash}/bin/sh
    PATH=${pkgs.coreutils}/bin
    mkdir -p /run/wrappers/bin
    ln -sfn ${toplevel} /run/current-system
    ln -sfn ${toplevel} /run/booted-system
    echo ${pkgs.kmod}/bin/modprobe > /proc/sys/kernel/modprobe 2>/dev/null
    echo -n ${config.hardware.firmware}/lib/firmware > /sys/module/firmware_class/parameters/path 2>/dev/null
    exec ${config.systemd.package}/lib/systemd/systemd "$@"
  '';

  assembled =
    pkgs.runCommand "bulkhead-${version}-nixos"
      {
        nativeBuildInputs = [
          pkgs.cpio
          pkgs.cryptsetup
          pkgs.dosfstools
          pkgs.erofs-utils
          pkgs.fakeroot
          pkgs.findutils
          pkgs.grub2_efi
          pkgs.mtools
          pkgs.squashfsTools
          pkgs.xorriso
        ];
      }
      ''
        cp -r ${programs.source} source && chmod -R u+w source && cd source
        ln -s ${programs.nodeModules}/node_modules node_modules
        export HOME=$TMPDIR
        # Owners of the tree are root and nobody else, whoever builds.
        fakeroot bash -c '
          bash ${rootTree} $TMPDIR/tree
          ${programs.bun}/bin/bun scripts/build.ts assemble $TMPDIR/tree \
            --kernel ${config.boot.kernelPackages.kernel}/bzImage --initrd ${initrd} \
            --revision ${revision.id} --built-at ${revision.time} --image-version ${version} \
            --work $TMPDIR/work --dist $out
        '
        install -Dm644 $TMPDIR/work/BOOTX64.EFI $out/boot/BOOTX64.EFI
        install -Dm644 partitions/grub/grub.cfg $out/boot/grub.cfg
      '';

  # The installer of the appliance itself lays the disk out and writes the slot, on a disk of a virtual machine.
  diskImage = pkgs.vmTools.runInLinuxVM (
    pkgs.runCommand "bulkhead-${version}-disk"
      {
        memSize = 2048;
        preVM = pkgs.vmTools.createEmptyImage {
          size = 16 * 1024;
          fullName = "bulkhead-${version}";
        };
        nativeBuildInputs = [
          programs.bulkhead
        ];
      }
      ''
        mkdir -p /run/current-system && ln -sfn ${
          pkgs.buildEnv {
            name = "tools";
            paths = [
              pkgs.coreutils
              pkgs.dosfstools
              pkgs.e2fsprogs
              pkgs.mtools
              pkgs.util-linux
            ];
          }
        } /run/current-system/sw
        bulkhead install --target /dev/vda --image ${assembled}/bulkhead-${version}.slot --boot-files ${assembled}/boot --hardware any --yes
      ''
  );

  qemu = ''
    qemu-system-x86_64 -machine q35,accel=kvm:tcg -cpu max -smp 2 -m 2048 -device i6300esb \
      -drive if=pflash,format=raw,readonly=on,file=${pkgs.OVMF.fd}/FV/OVMF_CODE.fd \
      -drive if=pflash,format=raw,file="$folder/vars.fd" \
      -drive if=virtio,file="$folder/disk.qcow2" \
      -nic user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:"$port"-:80 \
      -nographic'';
  start = ''
    mkdir -p "$folder"
    [ -e "$folder/disk.qcow2" ] || qemu-img create -q -f qcow2 -F qcow2 -b ${diskImage}/disk-image.qcow2 "$folder/disk.qcow2"
    [ -e "$folder/vars.fd" ] || install -m 0600 ${pkgs.OVMF.fd}/FV/OVMF_VARS.fd "$folder/vars.fd"
  '';
  vm = pkgs.writeShellApplication {
    name = "bulkhead-vm";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.qemu
    ];
    text = ''
      folder=''${1:-./bulkhead-vm}
      port=''${2:-8080}
      ${start}
      echo "http://127.0.0.1:$port/ once it has booted; Ctrl-A X ends it"
      exec ${qemu}
    '';
  };
  fleet = pkgs.writeShellApplication {
    name = "bulkhead-fleet";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.qemu
    ];
    text = ''
      count=''${1:-3}
      trap 'kill $(jobs -p) 2>/dev/null' EXIT
      for number in $(seq "$count"); do
        folder=./bulkhead-fleet/$number
        port=$((8080 + number))
        ${start}
        ${qemu} -monitor none < /dev/null > "$folder/console.log" 2>&1 &
        echo "appliance $number: http://127.0.0.1:$port/, console in $folder/console.log"
      done
      wait
    '';
  };
in
{
  inherit
    accounts
    developmentKeys
    fleet
    imageInfo
    init
    nixos
    rootTree
    version
    ;
  appliance-iso = assembled;
  appliance-disk-image = diskImage;
  appliance-vm = vm;
}
