# Rename `site-example`, and say what yours does.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.site-example;
in
{
  options.services.site-example = {
    enable = lib.mkEnableOption "a service of this site";

    interval = lib.mkOption {
      type = lib.types.ints.between 10 3600;
      default = 60;
      example = 300;
      description = "Seconds between two looks.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.site-example = {
      description = "Service of this site";
      wantedBy = [ "multi-user.target" ];
      after = [ "compliance-agent.service" ];
      serviceConfig = {
        ExecStart = "${pkgs.coreutils}/bin/sleep ${toString cfg.interval}";
        Restart = "always";
        DynamicUser = true;
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        MemoryMax = "128M";
      };
    };
  };
}
