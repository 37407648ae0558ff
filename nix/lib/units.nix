# The units of the Debian image as options of NixOS, by name.
{ config, pkgs }:
let
  folder = ../../iso/rootfs/usr/lib/systemd/system;
  unitFile = import ./unit-file.nix;

  programs = {
    "/usr/bin/bulkhead" = "${config.bulkhead.package}/bin/bulkhead";
    "/usr/bin/sh" = "${pkgs.bash}/bin/sh";
    "/usr/bin/mkdir" = "${pkgs.coreutils}/bin/mkdir";
    "/usr/bin/sleep" = "${pkgs.coreutils}/bin/sleep";
    "/usr/bin/true" = "${pkgs.coreutils}/bin/true";
    "/bin/kill" = "${pkgs.coreutils}/bin/kill";
    "/usr/bin/systemctl" = "${pkgs.systemd}/bin/systemctl";
    "/usr/sbin/sshd" = "${pkgs.openssh}/bin/sshd";
    "/usr/sbin/wpa_supplicant" = "${pkgs.wpa_supplicant}/bin/wpa_supplicant";
  };

  option = {
    service = "services";
    timer = "timers";
    path = "paths";
    target = "targets";
  };

  split = file: builtins.match "(.*)\\.([a-z]+)" file;

  # [ "msp-health-gate.service" … ] -> { services.msp-health-gate = { … }; }
  take =
    files:
    builtins.foldl' (
      units: file:
      let
        parts = split file;
        kind = option.${builtins.elemAt parts 1};
        unit = unitFile.toModule programs (builtins.readFile (folder + "/${file}"));
        # All roles of the program see the same configuration, or the firewall would shut out the agent's coordinator.
        environment = if kind == "services" then { inherit (config.bulkhead) environment; } else { };
      in
      units
      // {
        ${kind} = (units.${kind} or { }) // {
          ${builtins.elemAt parts 0} = unit // environment;
        };
      }
    ) { } files;

  # Which module brings which units.
  groups = {
    agent = [ "compliance-agent.service" ];
    health-gate = [
      "bulkhead-boot-deadline.service"
      "bulkhead-boot-deadline.timer"
      "bulkhead-gate-failed.service"
      "msp-health-gate.service"
      "msp-health-observe.service"
      "msp-health-observe.timer"
    ];
    ab-updates = [
      "bulkhead-boot-log.service"
      "bulkhead-grow-data.service"
      "bulkhead-power.path"
      "bulkhead-power.service"
      "bulkhead-setup.service"
      "bulkhead-update-conclude.service"
      "bulkhead-update-reboot.service"
      "bulkhead-update-reboot.timer"
      "bulkhead-update.path"
      "bulkhead-update.service"
    ];
    firewall = [ "bulkhead-firewall.service" ];
    secrets = [
      "bulkhead-secrets.path"
      "bulkhead-secrets.service"
    ];
    timesync = [
      "bulkhead-clock-keep.service"
      "bulkhead-clock-save.service"
      "bulkhead-clock-save.timer"
    ];
  };
  grouped = builtins.concatLists (builtins.attrValues groups);

  isUnit = file: split file != null && option ? ${builtins.elemAt (split file) 1};
  all = builtins.filter isUnit (builtins.attrNames (builtins.readDir folder));
in
{
  inherit all;
  group = name: take groups.${name};
  # What no other module brings: the appliance has every unit of the image, new ones included.
  rest = take (builtins.filter (file: !(builtins.elem file grouped)) all);
}
