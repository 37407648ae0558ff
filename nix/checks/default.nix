# nix flake check: what can be checked without a machine, and machines.
{
  image,
  imageOf,
  lib,
  modules,
  nixpkgs,
  pkgs,
  programs,
}:
let
  test = file: arguments: pkgs.testers.runNixOSTest (import file ({ inherit modules programs; } // arguments));
  slotImages = import ./slot-images.nix {
    inherit
      imageOf
      nixpkgs
      pkgs
      programs
      ;
  };

  # The tests of the repository that need neither root nor a network of their own.
  unit =
    pkgs.runCommand "bulkhead-unit-tests"
      {
        nativeBuildInputs = [
          pkgs.git
          # grub-script-check
          pkgs.grub2_efi
          pkgs.nix
          pkgs.nodejs
          pkgs.openssl
          # Reads the scripts of the tests in virtual machines.
          pkgs.python3
        ];
      }
      ''
        cp -r ${../..} source && chmod -R u+w source && cd source
        ln -s ${programs.nodeModulesForTests}/node_modules node_modules
        export HOME=$TMPDIR NIXPKGS_LIB=${nixpkgs}/lib
        git init -q . && git add -A
        bun=${programs.bun}/bin/bun
        $bun node_modules/typescript/bin/tsc --noEmit
        # No browser is here, and no program where Debian has it.
        $bun --bun node_modules/vitest/vitest.mjs run --project unit protocol partitions/boot-machine partitions/boot-state.test \
          updater/bundle coordinator/rollouts/planner $(find status-page -name '*.test.ts' ! -name '*.browser.test.ts')
        $bun --bun node_modules/vitest/vitest.mjs run --project nix
        touch $out
      '';

  # Every module is evaluated by NixOS itself: an option that it has renamed shows here.
  evaluated = lib.mapAttrs (
    name: module:
    (nixpkgs.lib.nixosSystem {
      system = "x86_64-linux";
      modules = [
        module
        ./enabled.nix
        {
          boot.isContainer = true;
          system.stateVersion = "25.11";
        }
      ];
    }).config.system.build.etc
  ) (removeAttrs modules [ "appliance" ]);
in
{
  inherit unit;
  modules = pkgs.linkFarm "bulkhead-modules" evaluated;
  appliance = image.nixos.config.system.build.toplevel;
  coordinator = test ./coordinator.nix { };
  agent = test ./agent.nix { };
  boot = test ./boot.nix { inherit image; };
  update = test ./update.nix slotImages;
  rollback = test ./rollback.nix slotImages;
}
