# The options of NixOS that the modules set, with the types that NixOS gives them: a value of the wrong kind, a second
# definition that does not merge, or an option that is not listed here fails the test.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  inherit (types)
    anything
    attrsOf
    bool
    enum
    int
    lines
    listOf
    nullOr
    oneOf
    package
    path
    port
    str
    submodule
    ;

  option = type: mkOption { inherit type; };
  withDefault = default: type: mkOption { inherit default type; };
  off = withDefault false bool;

  # nixos/lib/systemd-unit-options: what may stand behind a key of a unit.
  atom = nullOr (oneOf [
    bool
    int
    str
    path
    package
  ]);
  unitValue = lib.mkOptionType {
    name = "systemd option";
    check = value: atom.check value || (builtins.isList value && lib.all atom.check value);
    merge =
      loc: definitions:
      let
        values = lib.getValues definitions;
      in
      if lib.any builtins.isList values then
        lib.concatLists (map lib.toList values)
      else
        lib.mergeEqualOption loc definitions;
  };
  section = withDefault { } (attrsOf unitValue);
  units = withDefault [ ] (listOf str);

  unit = {
    description = withDefault "" str;
    unitConfig = section;
    after = units;
    before = units;
    bindsTo = units;
    conflicts = units;
    onFailure = units;
    onSuccess = units;
    partOf = units;
    requires = units;
    requisite = units;
    wants = units;
    wantedBy = units;
    requiredBy = units;
  };
  kind = extra: withDefault { } (attrsOf (submodule { options = unit // extra; }));
  nixosService = extra: mkOption { default = { }; type = submodule { options = extra; }; };
in
{
  options = {
    assertions = withDefault [ ] (listOf anything);

    systemd = {
      services = kind {
        serviceConfig = section;
        environment = withDefault { } (
          attrsOf (nullOr (oneOf [
            str
            path
            package
          ]))
        );
        path = withDefault [ ] (listOf package);
        script = withDefault "" lines;
        preStart = withDefault "" lines;
        restartTriggers = withDefault [ ] (listOf anything);
      };
      timers = kind { timerConfig = section; };
      paths = kind { pathConfig = section; };
      targets = kind { };
      slices = kind { sliceConfig = section; };
      tmpfiles.rules = units;
      settings.Manager = section;
      network.enable = off;
    };

    boot = {
      kernelModules = units;
      kernel.sysctl = withDefault { } (attrsOf (nullOr (oneOf [
        bool
        str
        int
      ])));
      loader.grub.enable = withDefault true bool;
      loader.systemd-boot.enable = off;
    };
    documentation.enable = withDefault true bool;
    environment = {
      systemPackages = withDefault [ ] (listOf package);
      etc = withDefault { } (attrsOf (submodule { options.source = option path; }));
    };
    fileSystems = withDefault { } (
      attrsOf (submodule {
        options = {
          device = option str;
          fsType = option str;
          options = withDefault [ "defaults" ] (listOf str);
        };
      })
    );
    networking = {
      firewall = {
        enable = withDefault true bool;
        allowedTCPPorts = withDefault [ ] (listOf port);
        allowedUDPPorts = withDefault [ ] (listOf port);
      };
      nftables.enable = off;
      hostName = withDefault "nixos" str;
      fqdnOrHostName = withDefault "nixos.example.org" str;
      useNetworkd = off;
      useDHCP = withDefault true bool;
      wireguard.interfaces = withDefault { } (
        attrsOf (submodule {
          options = {
            ips = withDefault [ ] (listOf str);
            listenPort = withDefault null (nullOr int);
            privateKeyFile = withDefault null (nullOr str);
            generatePrivateKeyFile = off;
            peers = withDefault [ ] (listOf anything);
          };
        })
      );
    };
    nix = {
      enable = withDefault true bool;
      package = withDefault {
        type = "derivation";
        name = "nix";
        outPath = "/nix/store/00000000000000000000000000000000-nix";
      } package;
      settings = withDefault { } (attrsOf anything);
    };
    services = {
      borgbackup.jobs = withDefault { } (
        attrsOf (submodule {
          options = {
            paths = option (listOf str);
            repo = option str;
            encryption = {
              mode = option (enum [
                "repokey-blake2"
                "repokey"
                "none"
              ]);
              passCommand = option str;
            };
            compression = option str;
            startAt = option str;
            persistentTimer = off;
            preHook = withDefault "" lines;
            readWritePaths = withDefault [ ] (listOf path);
            prune.keep = withDefault { } (attrsOf (oneOf [
              int
              str
            ]));
          };
        })
      );
      grafana = nixosService {
        enable = off;
        settings = withDefault { } (attrsOf (attrsOf anything));
        provision = {
          enable = off;
          datasources.settings.datasources = withDefault [ ] (listOf (attrsOf anything));
          dashboards.settings.providers = withDefault [ ] (listOf (attrsOf anything));
        };
      };
      openssh = nixosService {
        enable = off;
        settings = withDefault { } (attrsOf (oneOf [
          bool
          int
          str
          (listOf str)
        ]));
      };
      postgresql = nixosService {
        enable = off;
        package = withDefault {
          type = "derivation";
          name = "postgresql";
          outPath = "/nix/store/00000000000000000000000000000000-postgresql";
        } package;
        ensureDatabases = units;
        ensureUsers = withDefault [ ] (listOf anything);
      };
      prometheus = nixosService {
        enable = off;
        port = withDefault 9090 port;
        retentionTime = option str;
        globalConfig = withDefault { } (attrsOf anything);
        ruleFiles = withDefault [ ] (listOf path);
        scrapeConfigs = withDefault [ ] (listOf anything);
      };
      resolved.enable = off;
      timesyncd = nixosService {
        enable = off;
        servers = units;
      };
      yggdrasil = nixosService {
        enable = off;
        persistentKeys = off;
        openMulticastPort = off;
        settings = withDefault { } (attrsOf anything);
      };
      zerotierone = nixosService {
        enable = off;
        joinNetworks = units;
      };
      # What makes a host a binary cache.
      harmonia.enable = off;
    };
    time.timeZone = withDefault null (nullOr str);
    users = {
      mutableUsers = withDefault true bool;
      allowNoPasswordLogin = off;
      users = withDefault { } (
        attrsOf (submodule {
          options = {
            uid = withDefault null (nullOr int);
            group = withDefault "" str;
            isSystemUser = off;
            description = withDefault "" str;
            openssh.authorizedKeys.keys = units;
          };
        })
      );
      groups = withDefault { } (
        attrsOf (submodule {
          options.gid = withDefault null (nullOr int);
        })
      );
    };
  };
}
