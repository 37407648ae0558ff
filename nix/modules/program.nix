# What every module with a service of the appliance shares: the program, and its unprivileged user.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.bulkhead;
  users = lib.importJSON ../../iso/users.json;
in
{
  options.bulkhead = {
    package = lib.mkOption {
      type = lib.types.package;
      default = (pkgs.callPackage ../packages/programs.nix { }).bulkhead;
      defaultText = lib.literalMD "`bulkhead` of this flake";
      example = lib.literalExpression "inputs.bulkhead.packages.x86_64-linux.bulkhead";
      description = "The program that agent, health gate, updater and firewall are roles of.";
    };

    settings = lib.mkOption {
      type = lib.types.attrsOf lib.types.anything;
      default = { };
      example = {
        time.zone = "Europe/Berlin";
        ssh.authorized_keys = [ "ssh-ed25519 AAAA… technician" ];
      };
      description = ''
        Configuration that the system brings, in the keys of the configuration reference; `/var/lib/msp/config.yaml` and
        the environment win over it. Everybody who can read the Nix store can read it: no secrets.
      '';
    };

    environment = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = { };
      example = {
        BULKHEAD_TIME_ZONE = "Europe/Berlin";
      };
      description = "Variables for every service of the program; they win over all files. An empty one counts as not set.";
    };

    slotImage = lib.mkOption {
      type = lib.types.bool;
      default = false;
      internal = true;
      example = true;
      description = "The system is the read-only root of a slot: files lie in it from the start instead of being linked.";
    };

    files = lib.mkOption {
      type = lib.types.attrsOf lib.types.path;
      default = { };
      internal = true;
      example = lib.literalExpression ''{ "/usr/lib/bulkhead/critical-units" = ./critical-units; }'';
      description = "Files that the program expects at fixed places outside the store, and what is to be found there.";
    };
  };

  config = {
    bulkhead.files = {
      # YAML takes JSON as it is.
      "/usr/lib/bulkhead/config.yaml" = pkgs.writeText "bulkhead-config.yaml" (
        builtins.toJSON ({ config_version = 1; } // cfg.settings)
      );
      "/usr/share/zoneinfo" = "${pkgs.tzdata}/share/zoneinfo";
    };
    systemd.tmpfiles.rules =
      lib.optionals (!cfg.slotImage) (
        lib.mapAttrsToList (path: target: "L+ ${path} - - - - ${target}") cfg.files
      )
      ++ lib.filter (line: lib.hasPrefix "d " line) (
        lib.splitString "\n" (builtins.readFile ../../iso/rootfs/usr/lib/tmpfiles.d/bulkhead.conf)
      );
    environment.systemPackages = [ cfg.package ];
    # Ids as in the Debian image: files on the data partition outlive a change from one to the other.
    users.users = lib.listToAttrs (
      map (
        user:
        lib.nameValuePair user.name {
          uid = user.id;
          group = user.name;
          isSystemUser = true;
          description = user.title;
        }
      ) users
    );
    users.groups = lib.listToAttrs (map (user: lib.nameValuePair user.name { gid = user.id; }) users);
  };
}
