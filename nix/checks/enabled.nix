# Switches every module on that is there, with the least it asks for.
{ lib, options, ... }:
let
  when = name: value: lib.optionalAttrs (options.services ? ${name}) { ${name} = value; };
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
    // when "msp-ssh" { enable = true; }
    // when "msp-timesync" { enable = true; };
}
