# Evaluates modules of this flake by nixpkgs' module system, with stand-ins for the options of NixOS and for packages.
#
#   nixpkgsLib  path of a copy of nixpkgs' lib folder
#   modules     names of modules
#   settings    a NixOS module
#   select      what of the evaluated system is wanted
{
  nixpkgsLib,
  modules,
  settings ? { },
  select ? system: system.config,
}:
let
  lib = import nixpkgsLib;

  store = name: "/nix/store/00000000000000000000000000000000-${name}";
  fake = name: extra: {
    type = "derivation";
    inherit name;
    outPath = store name;
  } // extra;
  packages = lib.genAttrs [
    "bash"
    "borgbackup"
    "coreutils"
    "gnugrep"
    "nftables"
    "openssh"
    "systemd"
    "tzdata"
    "util-linux"
    "wpa_supplicant"
  ] (name: fake name { });
  pkgs = packages // {
    callPackage = _: _: lib.genAttrs [
      "bulkhead"
      "bulkhead-coordinator"
    ] (name: fake name { });
    writeText = name: text: fake name { inherit text; };
    writeShellScript = name: text: fake name { inherit text; };
  };

  system = lib.evalModules {
    modules = map (name: (import ../modules).${name}) modules ++ [
      ./stand-ins.nix
      settings
      { _module.args = { inherit pkgs; }; }
    ];
  };
  refused = map (entry: entry.message) (lib.filter (entry: !entry.assertion) system.config.assertions);
in
{
  inherit refused;
  selected = select system;
}
