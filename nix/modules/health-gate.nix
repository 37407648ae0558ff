# The judge of a boot: commits the slot, or reboots for the next attempt.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.msp-health-gate;
  units = import ../lib/units.nix { inherit config pkgs; };
  lines = text: lib.filter (line: line != "") (lib.splitString "\n" text);
in
{
  imports = [
    ./ab-updates.nix
    ./compliance-agent.nix
    ./program.nix
  ];

  options.services.msp-health-gate = {
    enable = lib.mkEnableOption "the health gate (`health-gate --verify`), for a system that boots from the slots of services.msp-ab-updates";

    criticalUnits = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = lines (builtins.readFile ../../iso/rootfs/usr/lib/bulkhead/critical-units);
      defaultText = lib.literalMD "those of the Debian image";
      example = [
        "compliance-agent.service"
        "bulkhead-firewall.service"
      ];
      description = "Units whose failure fails the boot.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.services.msp-ab-updates.enable;
        message = "services.msp-health-gate judges boots of a slot: enable services.msp-ab-updates, too.";
      }
      {
        assertion = lib.elem "compliance-agent.service" cfg.criticalUnits -> config.services.compliance-agent.enable;
        message = "services.msp-health-gate: every boot would fail, as compliance-agent.service is critical and not enabled.";
      }
    ];
    systemd = units.group "health-gate";
    bulkhead.files."/usr/lib/bulkhead/critical-units" = pkgs.writeText "critical-units" (
      lib.concatMapStrings (unit: "${unit}\n") cfg.criticalUnits
    );
  };
}
