import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../appliance/secrets/manifest.ts';
import { evaluateModules, NIX, nixpkgsLib } from './evaluate.ts';
import { parseUnit } from './unit-text.ts';

const STORE = '/nix/store/00000000000000000000000000000000';

describe.skipIf(nixpkgsLib === undefined)('the coordinator', () => {
  const coordinator = (settings: string) =>
    evaluateModules<{
      unit: {
        serviceConfig: Record<string, unknown>;
        environment: Record<string, string>;
        requires: string[];
        after: string[];
      };
      postgresql: { enable: boolean; ensureDatabases: string[] };
      ports: number[];
    }>(
      ['coordinator'],
      `{ services.bulkhead-coordinator = { enable = true; ${settings} }; }`,
      `{
        unit = system.config.systemd.services.bulkhead-coordinator;
        postgresql = { inherit (system.config.services.postgresql) enable ensureDatabases; };
        ports = system.config.networking.firewall.allowedTCPPorts;
      }`,
    );

  it('runs on SQLite with every directive of its unit file, open to nobody unless told', async () => {
    const { selected, refused } = await coordinator('');
    expect(refused).toEqual([]);
    const { ExecStart: command, ...directives } = selected.unit.serviceConfig;
    expect(command).toBe(`${STORE}-bulkhead-coordinator/bin/bulkhead-coordinator serve --port 8000`);
    const file = parseUnit(readFileSync(join(NIX, '../coordinator/bulkhead-coordinator.service'), 'utf8'));
    const wanted = [...(file.get('Service') ?? [])].filter(([key]) => key !== 'ExecStart');
    expect(
      Object.fromEntries(Object.entries(directives).map(([key, value]) => [key, [value].flat()])),
    ).toEqual(Object.fromEntries(wanted));
    expect(selected).toMatchObject({ postgresql: { enable: false }, ports: [], unit: { environment: {} } });
  });

  it('runs on a PostgreSQL of the same host, which lets it in without a password', async () => {
    const { selected, refused } = await coordinator('database.type = "postgresql"; openFirewall = true;');
    expect(refused).toEqual([]);
    expect(selected).toMatchObject({
      postgresql: { enable: true, ensureDatabases: ['bulkhead-coordinator'] },
      ports: [8000],
      unit: { requires: ['postgresql.target'], after: expect.arrayContaining(['postgresql.target']) },
    });
    expect(selected.unit.environment['DATABASE_URL']).toContain('host=/run/postgresql');
  });

  it('takes address and certificate from outside the store', async () => {
    const { selected, refused } = await coordinator(`
      port = 443;
      urls = [ "https://coordinator.example.org" ];
      tls = { certificate = "/var/lib/acme/chain.pem"; key = "/var/lib/acme/key.pem"; };
      database = { type = "postgresql"; createLocally = false; environmentFile = "/run/keys/database"; };`);
    expect(refused).toEqual([]);
    expect(selected.unit.serviceConfig).toMatchObject({
      LoadCredential: ['tls-cert:/var/lib/acme/chain.pem', 'tls-key:/var/lib/acme/key.pem'],
      EnvironmentFile: '/run/keys/database',
    });
    expect(selected.unit.serviceConfig['ExecStart']).toContain('--tls-key %d/tls-key');
  });

  it('refuses two databases at once', async () => {
    const both = await coordinator(
      'database = { type = "postgresql"; environmentFile = "/run/keys/database"; };',
    );
    expect(both.refused.join()).toContain('either createLocally');
    const lite = await coordinator('database.environmentFile = "/run/keys/database";');
    expect(lite.refused.join()).toContain('belongs to type');
  });
});

describe.skipIf(nixpkgsLib === undefined)('monitoring and backup', () => {
  it('Prometheus has the shipped rules, Grafana the shipped dashboard', async () => {
    const { selected } = await evaluateModules<Record<string, unknown>>(
      ['monitoring'],
      '{ services.bulkhead-monitoring = { enable = true; appliances = [ "a.local:80" ]; }; }',
      `{
        rules = map builtins.readFile system.config.services.prometheus.ruleFiles;
        jobs = map (job: job.job_name) system.config.services.prometheus.scrapeConfigs;
        retention = system.config.services.prometheus.retentionTime;
        dashboard = builtins.readFile system.config.environment.etc."bulkhead/dashboards/coordinator.json".source;
        source = map (source: source.url) system.config.services.grafana.provision.datasources.settings.datasources;
      }`,
    );
    const shipped = (name: string) => readFileSync(join(NIX, '../docs/operate/monitoring', name), 'utf8');
    expect(selected).toEqual({
      rules: [shipped('prometheus-rules.yaml')],
      jobs: ['bulkhead-coordinator', 'bulkhead-appliance'],
      retention: '30d',
      dashboard: shipped('grafana-dashboard.json'),
      source: ['http://localhost:9090'],
    });
  });

  it('a backup is of one instant, encrypted, kept thirty days, and its restore is tried', async () => {
    const { selected, refused } = await evaluateModules<Record<string, string>>(
      ['backup'],
      '{ services.bulkhead-coordinator.enable = true; services.bulkhead-backup.enable = true; }',
      `let job = system.config.services.borgbackup.jobs.bulkhead; in {
        inherit (job) preHook startAt;
        mode = job.encryption.mode;
        days = job.prune.keep.daily;
        trial = system.config.systemd.services.bulkhead-backup-trial.script;
        writable = builtins.concatStringsSep " " job.readWritePaths;
        made = builtins.concatStringsSep "\\n" system.config.systemd.tmpfiles.rules;
      }`,
    );
    expect(refused).toEqual([]);
    expect(selected).toMatchObject({ startAt: 'daily', mode: 'repokey-blake2', days: 30 });
    expect(selected['preHook']).toContain(
      'bulkhead-coordinator backup /var/lib/bulkhead-backup/coordinator.db',
    );
    expect(selected['trial']).toContain('bulkhead-coordinator restore');
    // The job of NixOS may write nowhere else, and its folders have to be there before it starts.
    expect(selected['writable']).toBe('/var/lib/bulkhead-backup /var/lib/private/bulkhead-coordinator');
    expect(selected['made']).toContain('d /var/lib/bulkhead-backup 0700 root root -');
  });

  it('a backup of a coordinator that is not here is refused', async () => {
    const { refused } = await evaluateModules(
      ['backup'],
      '{ services.bulkhead-backup.enable = true; }',
      'null',
    );
    expect(refused.join()).toContain('enable services.bulkhead-coordinator');
  });
});

describe.skipIf(nixpkgsLib === undefined)('secrets', () => {
  const secrets = (settings: string) =>
    evaluateModules<{ manifest: string; path: string; units: string[] }>(
      ['secrets'],
      `{ services.msp-secrets = { enable = true; sopsFile = "/etc/secrets.yaml"; ${settings} }; }`,
      `{
        manifest = system.config.bulkhead.files."/usr/lib/bulkhead/secrets.json".text;
        path = system.config.services.msp-secrets.secrets.token.path;
        units = builtins.attrNames system.config.systemd.services;
      }`,
    );

  it('become the list that the program reads, with its defaults', async () => {
    const { selected } = await secrets(
      'secrets.token = { sopsKey = "site/token"; owner = "msp"; restartUnits = [ "compliance-agent.service" ]; };',
    );
    expect(parseManifest(selected.manifest, 'secrets.json')).toEqual({
      ageKeyFile: '/var/lib/msp/identity/age.key',
      secrets: [
        {
          ...{
            name: 'token',
            sopsFile: '/etc/secrets.yaml',
            sopsKey: 'site/token',
            owner: 'msp',
            mode: 0o400,
          },
          ...{ restartUnits: ['compliance-agent.service'], rotateAfterDays: 180 },
        },
      ],
    });
    expect(selected).toMatchObject({ path: '/run/bulkhead/secrets/token', units: ['bulkhead-secrets'] });
  });

  it('are never for everybody', async () => {
    await expect(secrets('secrets.token.mode = "0444";')).rejects.toThrow('is not of type');
  });
});
