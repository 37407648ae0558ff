# The packages of package-lock.json that this platform needs, as data: where each goes, and the digest that it has to have.
# Needs nothing of nixpkgs.
{
  lock ? builtins.fromJSON (builtins.readFile ../../package-lock.json),
  os ? "linux",
  cpu ? "x64",
  libc ? "glibc",
  # Tools of developers as well.
  dev ? false,
}:
let
  inherit (builtins)
    attrNames
    elem
    filter
    head
    match
    ;

  fits = wanted: value: wanted == null || elem value wanted || elem "any" wanted;
  needed =
    path:
    let
      entry = lock.packages.${path};
    in
    path != ""
    && (dev || !(entry.dev or false))
    && fits (entry.os or null) os
    && fits (entry.cpu or null) cpu
    && fits (entry.libc or null) libc;
in
map (
  path:
  let
    entry = lock.packages.${path};
  in
  {
    inherit path;
    name = entry.name or (head (match ".*node_modules/(.+)" path));
    inherit (entry) version;
    hash = entry.integrity or (throw "package-lock.json has no digest of ${path}");
  }
) (filter needed (attrNames lock.packages))
