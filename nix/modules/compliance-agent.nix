# The agent and its status page, on any NixOS host.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.compliance-agent;
  units = import ../lib/units.nix { inherit config pkgs; };
in
{
  imports = [ ./program.nix ];

  options.services.compliance-agent = {
    enable = lib.mkEnableOption "the Bulkhead agent: status page on port 80, reports to a coordinator and its orders";

    siteId = lib.mkOption {
      type = lib.types.str;
      default = "";
      example = "clinic-7";
      description = "The site this machine stands at, as the coordinator knows it; empty: the configuration says it.";
    };

    mcpUrl = lib.mkOption {
      type = lib.types.strMatching "(https://.+)?";
      default = "";
      example = "https://coordinator.example.org";
      description = "Where the coordinator answers; empty: the configuration says it, or the agent works alone.";
    };

    pollInterval = lib.mkOption {
      type = lib.types.ints.between 10 3600;
      default = 60;
      example = 300;
      description = "Seconds between reports when nothing has changed, until the coordinator says how often.";
    };

    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = true;
      example = false;
      description = "Let the network reach the status page, where the host's own firewall (`networking.firewall`) is in force.";
    };
  };

  config = lib.mkIf cfg.enable {
    bulkhead.environment = {
      SITE_ID = cfg.siteId;
      MCP_URL = cfg.mcpUrl;
      POLL_INTERVAL = toString cfg.pollInterval;
    };
    systemd.services.compliance-agent = lib.mkMerge [
      (units.group "agent").services.compliance-agent
      {
        # Where no boot of an appliance has made it: the key that this machine is known by. Does nothing where it is.
        serviceConfig.ExecStartPre = "+${config.bulkhead.package}/bin/bulkhead setup identity";
      }
    ];
    systemd.tmpfiles.rules = [ "d /var/lib/bulkhead-agent 0700 msp msp -" ];
    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ 80 ];
  };
}
