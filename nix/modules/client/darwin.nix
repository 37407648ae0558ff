# A binary cache for Macs (and any Nix) of people who work with Bulkhead.
{ config, lib, ... }:
let
  cfg = config.services.bulkhead-cache-client;
in
{
  options.services.bulkhead-cache-client = {
    enable = lib.mkEnableOption "fetching from a binary cache";

    url = lib.mkOption {
      type = lib.types.strMatching "https?://.+";
      example = "https://cache.example.org/bulkhead";
      description = "The cache.";
    };

    publicKey = lib.mkOption {
      type = lib.types.strMatching "[^:]+:.+";
      example = "cache.example.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
      description = "Key that what comes from it is signed with.";
    };
  };

  config = lib.mkIf cfg.enable {
    nix.settings = {
      substituters = [ cfg.url ];
      trusted-public-keys = [ cfg.publicKey ];
      # The next one is asked when the cache is away.
      fallback = true;
      connect-timeout = 5;
    };
  };
}
