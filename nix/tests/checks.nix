# nix/checks with stand-ins for packages and for the test framework of nixpkgs: what each test asks its driver for.
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
  };
  written = name: text: fake name // { inherit text; };
  hostPkgs = lib.genAttrs [
    "OVMF"
    "curl"
    "git"
    "grub2_efi"
    "nix"
    "nodejs"
    "openssh"
    "openssl"
    "python3"
    "qemu"
  ] fake;

  pkgs = hostPkgs // {
    runCommand = name: _: written name;
    linkFarm = name: _: fake name;
    # As nixpkgs does it: what a test needs of its surroundings comes as an argument of the module, and a script that is a function
    # gets nodes and nothing else.
    testers.runNixOSTest =
      module:
      let
        test = lib.toFunction module { inherit hostPkgs; };
        script = test.testScript;
      in
      {
        inherit (test) name;
        nodes = lib.attrNames test.nodes;
        script = if lib.isFunction script then script { inherit (test) nodes; } else script;
      };
  };
  imageOf =
    {
      version ? "0.1.0",
      extraModules ? [ ],
    }:
    {
      inherit version extraModules;
      appliance-iso = fake "iso-${version}";
      appliance-disk-image = fake "disk-${version}";
      developmentKeys = fake "keys";
      nixos.config.system.build.toplevel = fake "toplevel";
    };
  checks = import ../checks {
    inherit imageOf lib pkgs;
    image = imageOf { };
    modules = lib.genAttrs [ "compliance-agent" "coordinator" ] (_: { });
    nixpkgs = {
      outPath = toString ./nixpkgs-stand-in;
      inherit lib;
    };
    programs = lib.genAttrs [
      "bulkhead"
      "bulkhead-coordinator"
      "bun"
      "nodeModulesForTests"
    ] fake;
  };
  images = import ../checks/slot-images.nix {
    inherit imageOf pkgs;
    nixpkgs.outPath = toString ./nixpkgs-stand-in;
    programs.bulkhead = fake "bulkhead";
  };
in
{
  tests = lib.genAttrs [
    "agent"
    "boot"
    "coordinator"
    "rollback"
    "update"
  ] (name: checks.${name});
  releases = {
    next = images.next.release.text;
    bad = images.bad.release.text;
  };
  versions = map (image: image.version) [
    images.image
    images.next
    images.bad
  ];
  # What is different about each image, as modules of NixOS.
  modules = lib.genAttrs [ "image" "next" "bad" ] (name: images.${name}.extraModules);
}
