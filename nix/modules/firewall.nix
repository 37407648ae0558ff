# The packet filter of the appliance: one nftables table, default drop in every direction.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.msp-firewall;
  units = import ../lib/units.nix { inherit config pkgs; };
  lines = text: lib.filter (line: line != "") (lib.splitString "\n" text);
in
{
  imports = [ ./program.nix ];

  options.services.msp-firewall.enable = lib.mkEnableOption ''
    the firewall of the appliance in place of `networking.firewall`. Its rules are made by the program from the
    configuration: port 80 always, port 22 with a key in `bulkhead.settings.ssh.authorized_keys`, out to the port of the
    coordinator; `bulkhead firewall show` prints them'';

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.networking.firewall.enable && !config.networking.nftables.enable;
        message = "services.msp-firewall: two packet filters would contradict each other; leave networking.firewall and networking.nftables off.";
      }
    ];
    networking.firewall.enable = lib.mkDefault false;
    networking.nftables.enable = lib.mkDefault false;
    boot.kernelModules = lines (builtins.readFile ../../iso/rootfs/usr/lib/modules-load.d/bulkhead.conf);
    environment.systemPackages = [ pkgs.nftables ];
    systemd = units.group "firewall";
  };
}
