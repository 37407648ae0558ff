# Two slots, one boot state: the disk as partitions/ lays it out, GRUB's script, the updater.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.msp-ab-updates;
  units = import ../lib/units.nix { inherit config pkgs; };
  unitFile = import ../lib/unit-file.nix;
  disk = lib.importJSON ../../partitions/layout.json;
in
{
  imports = [ ./program.nix ];

  options.services.msp-ab-updates = {
    enable = lib.mkEnableOption "booting from one of two slots, and updates into the other one";

    keyset = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      example = lib.literalExpression "./keyset.json";
      description = "Key set whose releases are installed, as `bulkhead bundle keyset` writes it.";
    };

    url = lib.mkOption {
      type = lib.types.nullOr (lib.types.strMatching "https?://.+");
      default = null;
      example = "https://releases.example.org/bulkhead.bundle";
      description = "Bundle that `bulkhead update install` takes when none is named.";
    };

    window = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.submodule {
          options = {
            start = lib.mkOption {
              type = lib.types.strMatching "[0-2][0-9]:[0-5][0-9]";
              example = "02:00";
              description = "When it begins, local time.";
            };
            end = lib.mkOption {
              type = lib.types.strMatching "[0-2][0-9]:[0-5][0-9]";
              example = "04:00";
              description = "When it ends; before `start`: on the next day; the same: a whole day.";
            };
            days = lib.mkOption {
              type = lib.types.listOf (
                lib.types.enum [
                  "mon"
                  "tue"
                  "wed"
                  "thu"
                  "fri"
                  "sat"
                  "sun"
                ]
              );
              default = [
                "mon"
                "tue"
                "wed"
                "thu"
                "fri"
                "sat"
                "sun"
              ];
              example = [
                "sat"
                "sun"
              ];
              description = "Days on which it begins.";
            };
          };
        }
      );
      default = null;
      example = {
        start = "02:00";
        end = "04:00";
      };
      description = "When the appliance may reboot for an update; null: at any time.";
    };

    disk = lib.mkOption {
      type = lib.types.attrsOf lib.types.anything;
      readOnly = true;
      default = disk;
      defaultText = lib.literalMD "`partitions/layout.json`";
      example = lib.literalExpression "config.services.msp-ab-updates.disk.data.label";
      description = "The disk: labels, partition types, sizes and mount points, as the installer makes it.";
    };

    grubScript = lib.mkOption {
      type = lib.types.path;
      readOnly = true;
      default = ../../partitions/grub/grub.cfg;
      defaultText = lib.literalMD "`partitions/grub/grub.cfg`";
      example = lib.literalExpression "config.services.msp-ab-updates.grubScript";
      description = "The script that counts boots and chooses the slot; the installer puts it on the ESP.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.keyset != null;
        message = "services.msp-ab-updates.keyset: without keys no release can be installed.";
      }
    ];
    # The slot is started by the loader that the installer wrote; nothing of NixOS may write to the ESP.
    boot.loader.grub.enable = false;
    boot.loader.systemd-boot.enable = false;
    # The initrd has mounted them, and only if they are whole (iso/initrd/init); here they are declared for who asks.
    fileSystems = {
      ${disk.data.mount} = {
        device = "/dev/disk/by-partlabel/${disk.data.label}";
        fsType = "ext4";
        options = [
          "noauto"
          "noatime"
          "nodev"
          "nosuid"
        ];
      };
      ${disk.esp.mount} = {
        device = "/dev/disk/by-partlabel/${disk.esp.label}";
        fsType = "vfat";
        options = [
          "noauto"
          "ro"
          "nodev"
          "nosuid"
          "noexec"
        ];
      };
    };
    systemd = lib.mkMerge [
      (units.group "ab-updates")
      {
        # Takes over the watchdog that the initrd armed.
        settings.Manager =
          (unitFile.parse (builtins.readFile ../../iso/rootfs/usr/lib/systemd/system.conf.d/bulkhead.conf)).Manager;
      }
    ];
    bulkhead.settings.update = lib.filterAttrs (_: value: value != null) { inherit (cfg) url window; };
    bulkhead.files = lib.optionalAttrs (cfg.keyset != null) {
      "/usr/lib/bulkhead/keyset.json" = cfg.keyset;
    };
  };
}
