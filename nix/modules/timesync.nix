# The clock: NTP, and a time that outlives a dead battery.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.msp-timesync;
  units = import ../lib/units.nix { inherit config pkgs; };
in
{
  imports = [
    ./ab-updates.nix
    ./program.nix
  ];

  options.services.msp-timesync = {
    enable = lib.mkEnableOption "time by systemd-timesyncd, as on the Debian image";

    servers = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [
        "10.0.0.1"
        "time.example.org"
      ];
      description = "NTP servers; empty: those of DHCP, else those of the system.";
    };

    zone = lib.mkOption {
      type = lib.types.str;
      default = "UTC";
      example = "Europe/Berlin";
      description = "Time zone of the IANA database.";
    };

    keepTime = lib.mkOption {
      type = lib.types.bool;
      default = config.services.msp-ab-updates.enable;
      defaultText = lib.literalExpression "config.services.msp-ab-updates.enable";
      example = true;
      description = "Write the time to the data partition every hour and when the system goes down, for a boot with a dead clock battery.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.timesyncd = {
      enable = true;
      servers = lib.mkIf (cfg.servers != [ ]) cfg.servers;
    };
    time.timeZone = cfg.zone;
    bulkhead.settings.time = {
      inherit (cfg) servers zone;
    };
    systemd = lib.mkIf cfg.keepTime (units.group "timesync");
  };
}
