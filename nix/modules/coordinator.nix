# The central service of a fleet, on SQLite or on a PostgreSQL of this host.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.bulkhead-coordinator;
  unitFile = import ../lib/unit-file.nix;
  onPostgres = cfg.database.type == "postgresql";
  unit = unitFile.toModule {
    "/usr/bin/bulkhead-coordinator serve" = lib.escapeShellArgs arguments;
  } (builtins.readFile ../../coordinator/bulkhead-coordinator.service);
  arguments = [
    "${cfg.package}/bin/bulkhead-coordinator"
    "serve"
    "--port"
    (toString cfg.port)
  ]
  ++ lib.optionals (cfg.listen != null) [
    "--listen"
    cfg.listen
  ]
  ++ lib.concatMap (url: [
    "--url"
    url
  ]) cfg.urls
  ++ lib.concatMap (address: [
    "--trusted-proxy"
    address
  ]) cfg.trustedProxies
  ++ lib.optionals (cfg.tls != null) [
    "--tls-cert"
    "%d/tls-cert"
    "--tls-key"
    "%d/tls-key"
  ]
  ++ lib.optionals (cfg.releaseKeys != null) [
    "--release-keys"
    "${cfg.releaseKeys}"
  ]
  ++ cfg.extraArguments;
in
{
  options.services.bulkhead-coordinator = {
    enable = lib.mkEnableOption "the Bulkhead coordinator";

    package = lib.mkOption {
      type = lib.types.package;
      default = (pkgs.callPackage ../packages/programs.nix { }).bulkhead-coordinator;
      defaultText = lib.literalMD "`bulkhead-coordinator` of this flake";
      example = lib.literalExpression "inputs.bulkhead.packages.x86_64-linux.bulkhead-coordinator";
      description = "The coordinator's program.";
    };

    port = lib.mkOption {
      type = lib.types.port;
      default = 8000;
      example = 443;
      description = "Where it listens.";
    };

    listen = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "127.0.0.1";
      description = "Address to listen on; null: all of them.";
    };

    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Let the network reach the port. Appliances speak TLS only: give it `tls`, or a reverse proxy that has it.";
    };

    urls = lib.mkOption {
      type = lib.types.listOf (lib.types.strMatching "https?://.+");
      default = [ ];
      example = [ "https://coordinator.example.org" ];
      description = "How appliances reach it; empty: names and addresses of this machine. Requests for other names are refused.";
    };

    trustedProxies = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "127.0.0.1" ];
      description = "Reverse proxies whose `X-Forwarded-For` is believed.";
    };

    tls = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.submodule {
          options = {
            certificate = lib.mkOption {
              type = lib.types.str;
              example = "/var/lib/acme/coordinator.example.org/fullchain.pem";
              description = "Certificate chain in PEM, outside the store.";
            };
            key = lib.mkOption {
              type = lib.types.str;
              example = "/var/lib/acme/coordinator.example.org/key.pem";
              description = "Its key in PEM, outside the store; readable by root is enough.";
            };
          };
        }
      );
      default = null;
      example = {
        certificate = "/var/lib/acme/coordinator.example.org/fullchain.pem";
        key = "/var/lib/acme/coordinator.example.org/key.pem";
      };
      description = "Speak TLS with this certificate; null: plain HTTP, for a reverse proxy on this host.";
    };

    releaseKeys = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      example = lib.literalExpression "./keyset.json";
      description = "Key sets whose releases are taken; null: what an administrator has sent.";
    };

    database = {
      type = lib.mkOption {
        type = lib.types.enum [
          "sqlite"
          "postgresql"
        ];
        default = "sqlite";
        example = "postgresql";
        description = "SQLite in `/var/lib/bulkhead-coordinator`, or PostgreSQL, which several coordinators may share.";
      };

      createLocally = lib.mkOption {
        type = lib.types.bool;
        default = true;
        example = false;
        description = "With PostgreSQL: run it on this host and let the coordinator in by its user, without a password.";
      };

      environmentFile = lib.mkOption {
        type = lib.types.nullOr lib.types.str;
        default = null;
        example = "/run/bulkhead/secrets/coordinator-database";
        description = "With a PostgreSQL elsewhere: file with the line `DATABASE_URL=postgres://user:password@host/name`, outside the store.";
      };
    };

    extraArguments = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [
        "--keep-orders"
        "90"
      ];
      description = "More options of `bulkhead-coordinator serve`.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = onPostgres -> (cfg.database.createLocally != (cfg.database.environmentFile != null));
        message = "services.bulkhead-coordinator.database: either createLocally, or an environmentFile with the address of the PostgreSQL elsewhere.";
      }
      {
        assertion = !onPostgres -> cfg.database.environmentFile == null;
        message = "services.bulkhead-coordinator.database.environmentFile belongs to type = \"postgresql\".";
      }
    ];
    systemd.services.bulkhead-coordinator = lib.mkMerge [
      unit
      {
        serviceConfig = lib.mkMerge [
          (lib.mkIf (cfg.tls != null) {
            LoadCredential = [
              "tls-cert:${cfg.tls.certificate}"
              "tls-key:${cfg.tls.key}"
            ];
          })
          (lib.mkIf (onPostgres && cfg.database.environmentFile != null) {
            EnvironmentFile = cfg.database.environmentFile;
          })
        ];
        environment = lib.mkIf (onPostgres && cfg.database.createLocally) {
          DATABASE_URL = "postgres://bulkhead-coordinator@localhost/bulkhead-coordinator?host=/run/postgresql";
        };
        # The service alone can be there before database and user are (release notes of NixOS 25.11).
        requires = lib.mkIf (onPostgres && cfg.database.createLocally) [ "postgresql.target" ];
        after = lib.mkIf (onPostgres && cfg.database.createLocally) [ "postgresql.target" ];
      }
    ];
    services.postgresql = lib.mkIf (onPostgres && cfg.database.createLocally) {
      enable = true;
      ensureDatabases = [ "bulkhead-coordinator" ];
      ensureUsers = [
        {
          name = "bulkhead-coordinator";
          ensureDBOwnership = true;
        }
      ];
    };
    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ cfg.port ];
    environment.systemPackages = [ cfg.package ];
  };
}
