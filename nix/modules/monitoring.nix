# Prometheus and Grafana with the shipped rules and dashboard.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.bulkhead-monitoring;
  shipped = ../../docs/operate/monitoring;
in
{
  options.services.bulkhead-monitoring = {
    enable = lib.mkEnableOption "Prometheus with the shipped alert rules, and Grafana with the shipped dashboard";

    coordinators = lib.mkOption {
      type = lib.types.nonEmptyListOf lib.types.str;
      default = [ "localhost:8000" ];
      example = [ "coordinator.example.org:8000" ];
      description = "Host and port of each coordinator.";
    };

    appliances = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "bulkhead-3f9a01.local:80" ];
      description = "Host and port of status pages in reach, whose `/metrics` is read as well.";
    };

    scheme = lib.mkOption {
      type = lib.types.enum [
        "http"
        "https"
      ];
      default = "http";
      example = "https";
      description = "How coordinators are asked.";
    };

    retention = lib.mkOption {
      type = lib.types.strMatching "[0-9]+[hdwy]";
      default = "30d";
      example = "7d";
      description = "How long samples are kept.";
    };

    grafana = {
      enable = lib.mkOption {
        type = lib.types.bool;
        default = true;
        example = false;
        description = "Run Grafana as well.";
      };

      port = lib.mkOption {
        type = lib.types.port;
        default = 3000;
        example = 3030;
        description = "Where it listens.";
      };

      listen = lib.mkOption {
        type = lib.types.str;
        default = "127.0.0.1";
        example = "0.0.0.0";
        description = "Address it listens on.";
      };

      secretKeyFile = lib.mkOption {
        type = lib.types.str;
        default = "/var/lib/grafana/secret-key";
        example = "/run/bulkhead/secrets/grafana";
        description = "File outside the store with the key that Grafana encrypts its data sources with. Made with random content where it is missing.";
      };
    };
  };

  config = lib.mkIf cfg.enable {
    services.prometheus = {
      enable = true;
      retentionTime = cfg.retention;
      globalConfig.scrape_interval = "30s";
      ruleFiles = [ (shipped + "/prometheus-rules.yaml") ];
      scrapeConfigs = [
        {
          job_name = "bulkhead-coordinator";
          inherit (cfg) scheme;
          static_configs = [ { targets = cfg.coordinators; } ];
        }
      ]
      ++ lib.optional (cfg.appliances != [ ]) {
        job_name = "bulkhead-appliance";
        static_configs = [ { targets = cfg.appliances; } ];
      };
    };
    services.grafana = lib.mkIf cfg.grafana.enable {
      enable = true;
      settings = {
        server = {
          http_addr = cfg.grafana.listen;
          http_port = cfg.grafana.port;
        };
        analytics.reporting_enabled = false;
        security.secret_key = "$__file{${cfg.grafana.secretKeyFile}}";
      };
      provision = {
        enable = true;
        datasources.settings.datasources = [
          {
            name = "Prometheus";
            type = "prometheus";
            url = "http://localhost:${toString config.services.prometheus.port}";
            isDefault = true;
          }
        ];
        dashboards.settings.providers = [
          {
            name = "Bulkhead";
            options.path = "/etc/bulkhead/dashboards";
          }
        ];
      };
    };
    environment.etc = lib.mkIf cfg.grafana.enable {
      "bulkhead/dashboards/coordinator.json".source = shipped + "/grafana-dashboard.json";
    };
    systemd.services.grafana.preStart = lib.mkIf cfg.grafana.enable (
      lib.mkBefore ''
        if [ ! -e ${lib.escapeShellArg cfg.grafana.secretKeyFile} ]; then
          (umask 077 && head -c 32 /dev/urandom | base64 > ${lib.escapeShellArg cfg.grafana.secretKeyFile})
        fi
      ''
    );
  };
}
