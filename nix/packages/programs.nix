# The two programs, compiled by the Bun of the lock file from what the lock file names. Every package is fetched by the npm of
# nixpkgs and held to its digest in the lock: there is no second hash to keep in step.
{
  lib,
  stdenvNoCC,
  stdenv,
  runCommand,
  nodejs,
  cacert,
  patchelf,
}:
let
  version = (lib.importJSON ../../package.json).version;

  tarball =
    package:
    stdenvNoCC.mkDerivation {
      name = "${lib.strings.sanitizeDerivationName package.name}-${package.version}.tgz";
      nativeBuildInputs = [
        nodejs
        cacert
      ];
      outputHash = package.hash;
      outputHashMode = "flat";
      outputHashAlgo = null;
      # A mirror, where one has to be used, and a way through a proxy.
      impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "NPM_CONFIG_REGISTRY" ];
      dontUnpack = true;
      dontFixup = true;
      buildPhase = ''
        export HOME=$TMPDIR
        mkdir packed
        npm pack --silent --pack-destination packed '${package.name}@${package.version}'
        mv packed/*.tgz "$out"
      '';
      dontInstall = true;
    };

  nodeModulesOf =
    packages:
    runCommand "bulkhead-node-modules" { } (
      lib.concatMapStrings (package: ''
        mkdir -p "$out/${package.path}"
        tar -xzf ${tarball package} --strip-components=1 --no-same-owner -C "$out/${package.path}"
      '') packages
      + ''
        chmod -R u+w "$out"
      ''
    );

  # No install script runs: that of Bun would only put its program where it is taken from here.
  nodeModules = nodeModulesOf (import ./npm-tarballs.nix { });

  bun = runCommand "bulkhead-bun" { nativeBuildInputs = [ patchelf ]; } ''
    install -Dm755 ${nodeModules}/node_modules/@oven/bun-linux-x64/bin/bun "$out/bin/bun"
    patchelf --set-interpreter ${stdenv.cc.bintools.dynamicLinker} "$out/bin/bun"
  '';

  # What is compiled, so that a word in the documentation compiles nothing anew.
  source = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../appliance
      ../../base
      ../../coordinator
      ../../health-gate
      ../../iso
      ../../partitions
      ../../protocol
      ../../scripts
      ../../status-page
      ../../updater
      ../../package.json
      ../../package-lock.json
      ../../tsconfig.json
    ];
  };

  compile =
    {
      name,
      target,
      description,
    }:
    stdenvNoCC.mkDerivation {
      pname = name;
      inherit version;
      src = source;
      buildPhase = ''
        ln -s ${nodeModules}/node_modules node_modules
        HOME=$TMPDIR ${bun}/bin/bun scripts/build.ts ${target}
      '';
      installPhase = ''
        install -Dm755 dist/${name} "$out/bin/${name}"
      '';
      # The program carries its code behind the end of the ELF file: whoever shortens that file takes it away.
      dontStrip = true;
      dontPatchELF = true;
      meta = {
        inherit description;
        license = lib.licenses.asl20;
        mainProgram = name;
        platforms = [ "x86_64-linux" ];
      };
    };
in
{
  inherit bun nodeModules source;
  nodeModulesForTests = nodeModulesOf (import ./npm-tarballs.nix { dev = true; });

  bulkhead = compile {
    name = "bulkhead";
    target = "program";
    description = "Firmware of an unattended appliance: agent, status page, updater, health gate, firewall";
  };
  bulkhead-coordinator = compile {
    name = "bulkhead-coordinator";
    target = "coordinator";
    description = "Central service of a fleet of appliances";
  };
}
