# Every option of every module, as data for its page.
{ nixpkgsLib }:
let
  lib = import nixpkgsLib;
  modules = import ../modules;
  inherit
    (import ./evaluate.nix {
      inherit nixpkgsLib;
      modules = builtins.attrNames modules;
      select =
        system:
        lib.filter (
          option: lib.any (place: lib.hasInfix "/nix/modules/" (toString place)) option.declarations
        ) (lib.optionAttrSetToDocList system.options);
    })
    selected
    ;
  text = value: if builtins.isAttrs value then { inherit (value) _type text; } else null;
in
map (option: {
  inherit (option)
    name
    internal
    readOnly
    type
    ;
  description = option.description or null;
  default = text (option.default or null);
  example = text (option.example or null);
  module = lib.removeSuffix ".nix" (baseNameOf (toString (builtins.head option.declarations)));
}) selected
