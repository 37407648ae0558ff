# What the flake hands out; each part in a file of its own.
{ self, nixpkgs }:
let
  inherit (nixpkgs) lib;
  modules = import ./modules;

  # The appliance is an x86-64 machine; tools for developers and operators run elsewhere, too.
  system = "x86_64-linux";
  everywhere = [
    "x86_64-linux"
    "aarch64-linux"
    "x86_64-darwin"
    "aarch64-darwin"
  ];
  pkgs = nixpkgs.legacyPackages.${system};

  programs = pkgs.callPackage ./packages/programs.nix { };
  # A commit where there is one: an image says what it is made from.
  revision = {
    id = self.rev or self.dirtyRev or "not-committed";
    time =
      let
        part = builtins.elemAt (builtins.match "(....)(..)(..)(..)(..)(..)" self.lastModifiedDate);
      in
      "${part 0}-${part 1}-${part 2}T${part 3}:${part 4}:${part 5}Z";
  };
  imageArguments = {
    inherit
      lib
      modules
      nixpkgs
      pkgs
      programs
      revision
      system
      ;
  };
  imageOf = more: import ./packages/image.nix (imageArguments // more);
  image = imageOf { };
  packages = {
    inherit (programs) bulkhead bulkhead-coordinator;
    inherit (image) appliance-disk-image appliance-iso appliance-vm;
    default = programs.bulkhead;
  };
  app = name: program: {
    type = "app";
    program = "${program}/bin/${name}";
  };
in
{
  packages.${system} = packages;

  apps.${system} = {
    bulkhead = app "bulkhead" packages.bulkhead;
    bulkhead-coordinator = app "bulkhead-coordinator" packages.bulkhead-coordinator;
    # Installs the appliance into a virtual machine and shows its page, as `npm start` does.
    vm = app "bulkhead-vm" packages.appliance-vm;
    # Several of them: nix run .#fleet -- 5
    fleet = app "bulkhead-fleet" image.fleet;
    default = app "bulkhead" packages.bulkhead;
  };

  nixosModules = modules // {
    default = modules.compliance-agent;
  };
  nixosConfigurations.appliance = image.nixos;
  # Images with other keys and more configuration: lib.image { keyset = ./keyset.json; extraModules = [ ]; }
  lib.image = imageOf;
  overlays.default = _: _: { inherit (programs) bulkhead bulkhead-coordinator; };

  homeModules.client = ./modules/client/home-manager.nix;
  darwinModules.client = ./modules/client/darwin.nix;

  # The disk in the words of disko, for who lays out machines by it.
  diskoConfigurations.appliance = import ./packages/disko.nix { inherit lib; };

  templates.module = {
    path = ./templates/module;
    description = "A service beside the agent on a NixOS host";
  };

  checks.${system} = import ./checks {
    inherit
      image
      imageOf
      lib
      modules
      nixpkgs
      pkgs
      programs
      ;
  };

  devShells = lib.genAttrs everywhere (each: {
    default = import ./packages/dev-shell.nix { pkgs = nixpkgs.legacyPackages.${each}; };
  });

  formatter = lib.genAttrs everywhere (
    each: import ./packages/formatter.nix { pkgs = nixpkgs.legacyPackages.${each}; }
  );
}
