# Everything of the Debian image's appliance in one: what a slot image of NixOS is made of.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  units = import ../lib/units.nix { inherit config pkgs; };
  unitFile = import ../lib/unit-file.nix;
  slice =
    (unitFile.parse (builtins.readFile ../../iso/rootfs/usr/lib/systemd/system/system.slice.d/bulkhead.conf)).Slice;
  sysctl = lib.filter (line: line != "" && !lib.hasPrefix "#" line) (
    lib.splitString "\n" (builtins.readFile ../../iso/rootfs/usr/lib/sysctl.d/50-bulkhead.conf)
  );
in
{
  imports = [
    ./ab-updates.nix
    ./compliance-agent.nix
    ./firewall.nix
    ./health-gate.nix
    ./secrets.nix
    ./timesync.nix
  ];

  options.services.msp-appliance.enable = lib.mkEnableOption "the whole appliance: agent, slots, health gate, firewall, secrets, clock";

  config = lib.mkIf config.services.msp-appliance.enable {
    services = {
      compliance-agent.enable = true;
      msp-ab-updates.enable = true;
      msp-firewall.enable = true;
      msp-health-gate.enable = true;
      msp-secrets.enable = true;
      msp-timesync.enable = true;
      resolved.enable = true;
    };
    bulkhead.slotImage = true;
    systemd = lib.mkMerge [
      units.rest
      {
        slices.system.sliceConfig = slice;
        network.enable = true;
      }
    ];
    boot.kernel.sysctl = lib.listToAttrs (
      map (
        line:
        let
          parts = builtins.match "([^ ]+) = ([^ ]+)" line;
          value = builtins.elemAt parts 1;
        in
        lib.nameValuePair (builtins.elemAt parts 0) (
          if builtins.match "[0-9]+" value == null then value else lib.toInt value
        )
      ) sysctl
    );
    bulkhead.files."/usr/lib/bulkhead/sshd_config" = ../../iso/rootfs/usr/lib/bulkhead/sshd_config;
    networking.useNetworkd = true;
    networking.useDHCP = false;
    # Nobody logs in at the console, and nothing is installed by hand.
    nix.enable = false;
    documentation.enable = false;
    users.mutableUsers = false;
    users.allowNoPasswordLogin = true;
    # sshd does not start without a user to be before somebody has logged in; the module of NixOS that makes it is not used here.
    users.users.sshd = {
      group = "sshd";
      isSystemUser = true;
      description = "SSH before the login";
    };
    users.groups.sshd = { };
  };
}
