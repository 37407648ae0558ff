# SSH by key alone, with the lines of the Debian image's sshd_config.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.msp-ssh;
  lines = lib.filter (line: line != "" && !lib.hasPrefix "#" line) (
    lib.splitString "\n" (builtins.readFile ../../iso/rootfs/usr/lib/bulkhead/sshd_config)
  );
  setting = line: builtins.match "([A-Za-z0-9]+) (.*)" line;
  # Places and programs of the image; NixOS has its own.
  ofTheImage = [
    "AllowUsers"
    "AuthorizedKeysFile"
    "HostKey"
    "Port"
    "Subsystem"
    "UsePAM"
  ];
  value =
    text:
    if text == "yes" then
      true
    else if text == "no" then
      false
    else
      text;
  settings = removeAttrs (lib.listToAttrs (
    map (
      line:
      lib.nameValuePair (builtins.elemAt (setting line) 0) (value (builtins.elemAt (setting line) 1))
    ) lines
  )) ofTheImage;
in
{
  options.services.msp-ssh = {
    enable = lib.mkEnableOption "a hardened SSH server: keys only, few users, nothing forwarded";

    users = lib.mkOption {
      type = lib.types.nonEmptyListOf lib.types.str;
      default = [ "root" ];
      example = [ "technician" ];
      description = "Who may log in; nobody else, whatever keys they have.";
    };

    authorizedKeys = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "ssh-ed25519 AAAA… technician" ];
      description = "Public keys of each of these users. Without any, and with none elsewhere, nobody can log in.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.openssh = {
      enable = true;
      settings = settings // {
        AllowUsers = cfg.users;
      };
    };
    users.users = lib.genAttrs cfg.users (_: {
      openssh.authorizedKeys.keys = cfg.authorizedKeys;
    });
    bulkhead.settings.ssh.authorized_keys = lib.mkIf config.services.msp-firewall.enable cfg.authorizedKeys;
  };

  imports = [ ./firewall.nix ];
}
