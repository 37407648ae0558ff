# nix fmt: nixfmt over the Nix files; the others are biome's (npm run format).
{ pkgs }:
pkgs.writeShellApplication {
  name = "bulkhead-format";
  runtimeInputs = [
    pkgs.findutils
    pkgs.nixfmt
  ];
  text = ''
    if [ "$#" -gt 0 ]; then exec nixfmt "$@"; fi
    find flake.nix nix -name '*.nix' -print0 | xargs -0 nixfmt
  '';
}
