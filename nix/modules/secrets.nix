# Secrets from a sops file, decrypted on this machine with its own age key by `bulkhead secrets apply`.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.msp-secrets;
  units = import ../lib/units.nix { inherit config pkgs; };
  manifest = pkgs.writeText "bulkhead-secrets.json" (
    builtins.toJSON {
      age_key_file = cfg.ageKeyFile;
      secrets = lib.mapAttrs (_: secret: {
        sops_file = "${secret.sopsFile}";
        sops_key = secret.sopsKey;
        inherit (secret) owner mode;
        restart_units = secret.restartUnits;
        rotate_after_days = secret.rotateAfterDays;
      }) cfg.secrets;
    }
  );
in
{
  imports = [ ./program.nix ];

  options.services.msp-secrets = {
    enable = lib.mkEnableOption "decrypting the secrets of this host";

    sopsFile = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      example = lib.literalExpression "./secrets.yaml";
      description = "File that sops has encrypted for the age key of this host (`bulkhead secrets key`), where a secret names no other.";
    };

    ageKeyFile = lib.mkOption {
      type = lib.types.strMatching "/.*";
      default = "/var/lib/msp/identity/age.key";
      example = "/etc/age/host.key";
      description = "The host's age key, outside the store; made by the first `bulkhead secrets apply` where it is missing.";
    };

    secrets = lib.mkOption {
      type = lib.types.attrsOf (
        lib.types.submodule (
          { name, ... }:
          {
            options = {
              sopsFile = lib.mkOption {
                type = lib.types.path;
                default = cfg.sopsFile;
                defaultText = lib.literalExpression "config.services.msp-secrets.sopsFile";
                example = lib.literalExpression "./backup.yaml";
                description = "File that holds it, encrypted.";
              };
              sopsKey = lib.mkOption {
                type = lib.types.str;
                default = name;
                defaultText = lib.literalMD "the name of the secret";
                example = "backup/passphrase";
                description = "Where it stands in the file; `/` goes a level down.";
              };
              owner = lib.mkOption {
                type = lib.types.str;
                default = "root";
                example = "msp";
                description = "User whose file it becomes.";
              };
              mode = lib.mkOption {
                type = lib.types.enum [
                  "0400"
                  "0440"
                  "0600"
                  "0640"
                ];
                default = "0400";
                example = "0440";
                description = "Mode of the file; never for everybody.";
              };
              restartUnits = lib.mkOption {
                type = lib.types.listOf lib.types.str;
                default = [ ];
                example = [ "bulkhead-coordinator.service" ];
                description = "Units that are restarted when it has changed.";
              };
              rotateAfterDays = lib.mkOption {
                type = lib.types.nullOr lib.types.ints.positive;
                default = 180;
                example = 90;
                description = "Days after the file was last encrypted from which on rotation is asked for; null: never.";
              };
              path = lib.mkOption {
                type = lib.types.str;
                readOnly = true;
                default = "/run/bulkhead/secrets/${name}";
                defaultText = lib.literalMD "`/run/bulkhead/secrets/NAME`";
                example = "/run/bulkhead/secrets/backup-passphrase";
                description = "Where it is found.";
              };
            };
          }
        )
      );
      default = { };
      example = {
        backup-passphrase = {
          sopsKey = "backup/passphrase";
          restartUnits = [ "bulkhead-coordinator.service" ];
        };
      };
      description = "The secrets, by the name of their file.";
    };
  };

  config = lib.mkIf cfg.enable {
    bulkhead.files."/usr/lib/bulkhead/secrets.json" = manifest;
    systemd = lib.mkMerge [
      (units.group "secrets")
      # Applied anew where what is wanted has changed.
      { services.bulkhead-secrets.restartTriggers = [ manifest ]; }
    ];
  };
}
