# Switches every module on that is there, with the least it asks for.
{ lib, options, ... }:
let
  has = name: options.services ? ${name};
  when = name: value: lib.optionalAttrs (has name) { ${name} = value; };
in
{
  services =
    when "compliance-agent" { enable = true; }
    // when "bulkhead-coordinator" {
      enable = true;
      database.type = "postgresql";
    }
    // when "bulkhead-monitoring" { enable = true; }
    // when "bulkhead-backup" { enable = true; }
    // when "bulkhead-binary-cache" {
      enable = true;
      url = "https://cache.example.org/bulkhead";
    }
    // when "bulkhead-overlay" {
      kind = "wireguard";
      wireguard = {
        addresses = [ "10.77.0.2/24" ];
        peers = [
          {
            publicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
            allowedIPs = [ "10.77.0.0/24" ];
          }
        ];
      };
    }
    # A tunnel and the firewall of the appliance exclude each other.
    // lib.optionalAttrs (!has "bulkhead-overlay") (when "msp-firewall" { enable = true; })
    // when "msp-ab-updates" {
      enable = true;
      # Any file: nothing is installed by it here.
      keyset = ./enabled.nix;
    }
    // when "msp-health-gate" { enable = true; }
    // when "msp-secrets" {
      enable = true;
      sopsFile = ./enabled.nix;
      secrets.example = { };
    }
    // when "msp-ssh" { enable = true; }
    // when "msp-timesync" { enable = true; };
}
