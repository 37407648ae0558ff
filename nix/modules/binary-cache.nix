# Publishes what was built to a binary cache: filtered, beside the build, with retries.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.bulkhead-binary-cache;
  queue = "/var/lib/bulkhead-cache/queue";
  # Services of nixpkgs that make a host a cache.
  serving = lib.filter (name: config.services.${name}.enable or false) [
    "atticd"
    "harmonia"
    "nix-serve"
  ];
  environment = {
    QUEUE = queue;
    CACHE = cfg.url;
    TOKEN_FILE = if cfg.tokenFile == null then "" else cfg.tokenFile;
    OWN_NAMES = toString (
      [ config.networking.hostName ]
      ++ lib.optional (config.networking.fqdnOrHostName != config.networking.hostName) config.networking.fqdnOrHostName
    );
    ATTEMPTS = toString cfg.attempts;
    FIRST_PAUSE_S = toString cfg.firstPause;
    TIMEOUT_S = toString cfg.timeout;
  };
in
{
  options.services.bulkhead-binary-cache = {
    enable = lib.mkEnableOption "publishing of what this host builds to a binary cache";

    url = lib.mkOption {
      type = lib.types.strMatching "(https?|s3|ssh|ssh-ng|file)://.+";
      example = "https://cache.example.org/bulkhead";
      description = "The cache, as `nix copy --to` takes it. A cache on this very host is refused.";
    };

    filter = lib.mkOption {
      type = lib.types.str;
      default = "^bulkhead";
      example = "^(bulkhead|nixos-system)-";
      description = "Extended regular expression; paths whose name (without the hash) matches are published, no others.";
    };

    tokenFile = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.addCheck (lib.types.strMatching "/.+") (path: !lib.hasPrefix builtins.storeDir path)
        // {
          description = "path outside the Nix store, as a string";
        }
      );
      default = null;
      example = "/run/bulkhead/secrets/cache-token";
      description = "File of mode 0600 in the format of netrc(5) with the token that lets this host write to the cache; never in the store. null: none is needed.";
    };

    attempts = lib.mkOption {
      type = lib.types.ints.between 1 20;
      default = 5;
      example = 8;
      description = "How often a path is tried before it is left for the next run.";
    };

    firstPause = lib.mkOption {
      type = lib.types.ints.between 1 600;
      default = 5;
      example = 30;
      description = "Seconds before the second attempt; twice as long before each further one.";
    };

    timeout = lib.mkOption {
      type = lib.types.ints.between 10 86400;
      default = 1800;
      example = 600;
      description = "Seconds that one attempt may take.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = serving == [ ];
        message = "services.bulkhead-binary-cache: this host is a cache itself (${toString serving}) and would publish to itself.";
      }
    ];
    nix.settings.post-build-hook = pkgs.writeShellScript "bulkhead-cache-enqueue" ''
      export PATH=${lib.makeBinPath [ pkgs.coreutils pkgs.gnugrep ]}
      QUEUE=${lib.escapeShellArg queue}
      FILTER=${lib.escapeShellArg cfg.filter}
      ${builtins.readFile ../binary-cache/enqueue.sh}
    '';
    systemd.tmpfiles.rules = [ "d ${queue} 0700 root root -" ];
    systemd.services.bulkhead-cache-publish = {
      description = "Publish what was built to the binary cache";
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      path = [
        pkgs.coreutils
        config.nix.package
      ];
      inherit environment;
      script = builtins.readFile ../binary-cache/publish.sh;
      serviceConfig = {
        Type = "oneshot";
        Nice = 10;
        IOSchedulingClass = "idle";
        ProtectSystem = "strict";
        ReadWritePaths = queue;
        ProtectHome = true;
        PrivateTmp = true;
        NoNewPrivileges = true;
      };
    };
    # The queue wakes it; the timer comes back for what was not taken.
    systemd.paths.bulkhead-cache-publish = {
      wantedBy = [ "multi-user.target" ];
      pathConfig.PathChanged = queue;
    };
    systemd.timers.bulkhead-cache-publish = {
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "5min";
        OnUnitInactiveSec = "15min";
        RandomizedDelaySec = "1min";
      };
    };
  };
}
