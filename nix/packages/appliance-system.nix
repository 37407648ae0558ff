# What a slot needs of NixOS beyond the modules of the appliance: little, and nothing that writes to the root.
{
  lib,
  modulesPath,
  pkgs,
  ...
}:
{
  imports = [ "${modulesPath}/profiles/minimal.nix" ];

  system.stateVersion = "25.11";
  # The initrd is the appliance's own, and so is the loader.
  boot.initrd.enable = false;
  boot.kernelParams = lib.mkForce [ ];
  fileSystems."/" = {
    device = "/dev/mapper/root";
    fsType = "erofs";
    options = [ "ro" ];
  };
  # Names of users lie in the tree; nothing is asked of a daemon that caches them.
  services.nscd.enable = false;
  system.nssModules = lib.mkForce [ ];
  networking.hostName = "";
  networking.resolvconf.enable = false;
  security.sudo.enable = false;
  # Whatever the program runs: the installer of the ISO is this system, too.
  environment.systemPackages = [
    pkgs.dosfstools
    pkgs.e2fsprogs
    pkgs.iproute2
    pkgs.mtools
    pkgs.nftables
    pkgs.util-linux
  ];
  hardware.enableRedistributableFirmware = true;
}
