# The coordinator's database and files, encrypted, every day, with a restore that is tried.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.bulkhead-backup;
  coordinator = config.services.bulkhead-coordinator;
  onPostgres = coordinator.database.type == "postgresql";
  program = "${coordinator.package}/bin/bulkhead-coordinator";
  data = "/var/lib/private/bulkhead-coordinator";
  staging = "/var/lib/bulkhead-backup";
  borg = "${pkgs.borgbackup}/bin/borg";
in
{
  imports = [ ./coordinator.nix ];

  options.services.bulkhead-backup = {
    enable = lib.mkEnableOption "encrypted daily backups of the coordinator by BorgBackup";

    repository = lib.mkOption {
      type = lib.types.str;
      default = "/var/backup/bulkhead";
      example = "borg@backup.example.org:bulkhead";
      description = "Where the backups go.";
    };

    passphraseFile = lib.mkOption {
      type = lib.types.str;
      default = "/run/bulkhead/secrets/backup-passphrase";
      example = "/root/backup-passphrase";
      description = "File with the passphrase that everything is encrypted with, outside the store. Keep a copy where no fire reaches both.";
    };

    startAt = lib.mkOption {
      type = lib.types.str;
      default = "daily";
      example = "*:0/15";
      description = "How often, as systemd.time(7) writes it: what happened since is what a fire takes.";
    };

    keepDays = lib.mkOption {
      type = lib.types.ints.positive;
      default = 30;
      example = 90;
      description = "Days of which one backup each is kept.";
    };

    tryRestore = lib.mkOption {
      type = lib.types.bool;
      default = true;
      example = false;
      description = "Restore the newest backup into an empty folder every week, and fail loudly where that does not work.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = coordinator.enable;
        message = "services.bulkhead-backup keeps the coordinator of this host: enable services.bulkhead-coordinator.";
      }
      {
        assertion = onPostgres -> coordinator.database.createLocally;
        message = "services.bulkhead-backup: back a PostgreSQL up where it runs.";
      }
    ];
    services.borgbackup.jobs.bulkhead = {
      paths = [
        staging
        "${data}/artifacts"
      ];
      # Everything else is read-only for the job; the database is read through files beside it that SQLite writes.
      readWritePaths = [ staging ] ++ lib.optional (!onPostgres) data;
      repo = cfg.repository;
      encryption = {
        mode = "repokey-blake2";
        passCommand = "cat ${cfg.passphraseFile}";
      };
      compression = "auto,zstd";
      startAt = cfg.startAt;
      persistentTimer = true;
      prune.keep = {
        within = "1d";
        daily = cfg.keepDays;
      };
      # The copy is of one instant and was read back before anything is taken away (docs/operate/backup.md).
      preHook =
        if onPostgres then
          ''
            ${pkgs.util-linux}/bin/runuser -u postgres -- ${config.services.postgresql.package}/bin/pg_dump --format=custom bulkhead-coordinator > ${staging}/coordinator.dump
          ''
        else
          ''
            rm -f ${staging}/coordinator.db ${staging}/coordinator.db.artifacts
            ${program} backup ${staging}/coordinator.db --data ${data}
          '';
    };
    # Before the job starts: systemd refuses a unit whose writable folders are missing.
    systemd.tmpfiles.rules = [ "d ${staging} 0700 root root -" ];
    systemd.services.bulkhead-backup-trial = lib.mkIf cfg.tryRestore {
      description = "Restore the newest backup of the coordinator, to see that it can be done";
      after = [ "borgbackup-job-bulkhead.service" ];
      environment = {
        BORG_REPO = cfg.repository;
        BORG_PASSCOMMAND = "cat ${cfg.passphraseFile}";
      };
      serviceConfig = {
        Type = "oneshot";
        PrivateTmp = true;
        TimeoutStartSec = "1h";
      };
      script = ''
        cd "$(mktemp -d)"
        archive=$(${borg} list --short --last 1)
        ${borg} extract "::$archive"
      ''
      + (
        if onPostgres then
          ''
            ${config.services.postgresql.package}/bin/pg_restore --list .${staging}/coordinator.dump > /dev/null
          ''
        else
          ''
            ${program} restore .${staging}/coordinator.db --data restored
          ''
      );
    };
    systemd.timers.bulkhead-backup-trial = lib.mkIf cfg.tryRestore {
      description = "Restore the newest backup every week";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = "weekly";
        Persistent = true;
        RandomizedDelaySec = "1h";
      };
    };
  };
}
