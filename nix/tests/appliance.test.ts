import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateModules, NIX, nixpkgsLib } from './evaluate.ts';
import { readUnit } from './unit-text.ts';

type Section = Record<string, string | string[]>;
interface Unit {
  unitConfig: Section;
  serviceConfig?: Section;
  environment?: Record<string, string>;
  after: string[];
  wantedBy: string[];
}

const PROGRAM = '/nix/store/00000000000000000000000000000000-bulkhead/bin/bulkhead';
const AGENT =
  '{ services.compliance-agent = { enable = true; siteId = "clinic-7"; mcpUrl = "https://c.example:8443"; }; }';

describe.skipIf(nixpkgsLib === undefined)('the agent on a NixOS host', () => {
  it('has the environment of its options, and restarts whatever happens', async () => {
    const { selected, refused } = await evaluateModules<Unit>(
      ['compliance-agent'],
      AGENT,
      'system.config.systemd.services.compliance-agent',
    );
    expect(refused).toEqual([]);
    expect(selected.environment).toEqual({
      SITE_ID: 'clinic-7',
      MCP_URL: 'https://c.example:8443',
      POLL_INTERVAL: '60',
    });
    expect(selected.serviceConfig).toMatchObject({
      Restart: 'always',
      ExecStart: `${PROGRAM} agent`,
      ExecStartPre: `+${PROGRAM} setup identity`,
    });
    expect(selected.wantedBy).toEqual(['multi-user.target']);
  });

  it('does nothing where it is not enabled', async () => {
    const { selected } = await evaluateModules<unknown>(
      ['compliance-agent'],
      '{ }',
      '{ inherit (system.config.systemd) services; ports = system.config.networking.firewall.allowedTCPPorts; }',
    );
    expect(selected).toEqual({ services: {}, ports: [] });
  });

  it('refuses values that the agent would refuse', async () => {
    for (const wrong of [
      'pollInterval = 5',
      'pollInterval = 4000',
      'mcpUrl = "http://plain.example"',
      'siteId = 7',
    ])
      await expect(
        evaluateModules(
          ['compliance-agent'],
          `{ services.compliance-agent = { enable = true; ${wrong}; }; }`,
          'system.config.systemd.services.compliance-agent',
        ),
      ).rejects.toThrow('is not of type');
  });
});

const WHOLE = `{ config, ... }: {
  services.msp-appliance.enable = true;
  services.msp-ab-updates.keyset = ./keyset.json;
}`;

describe.skipIf(nixpkgsLib === undefined)('the appliance of NixOS', () => {
  it('has every unit of the Debian image with each of its directives', async () => {
    const { selected, refused } = await evaluateModules<
      Record<string, Record<string, Unit & Record<string, Section>>>
    >(['appliance'], WHOLE, '{ inherit (system.config.systemd) services timers paths targets; }');
    expect(refused).toEqual([]);
    const units = await imageUnits();
    const kinds = { service: 'services', timer: 'timers', path: 'paths', target: 'targets' } as const;
    for (const name of units) {
      const [, base = '', kind = ''] = /^(.*)\.([a-z]+)$/.exec(name) ?? [];
      const found = selected[kinds[kind as keyof typeof kinds]]?.[base];
      expect(found, name).toBeDefined();
      const wanted = readUnit(name);
      const section = { service: 'Service', timer: 'Timer', path: 'Path' }[kind];
      for (const [key, values] of wanted.get(section ?? '') ?? []) {
        const own = found?.[`${section?.toLowerCase()}Config`]?.[key];
        const places = [own]
          .flat()
          .map((value) => String(value).replace(/\/nix\/store\/0+-[\w-]+\/bin\//g, '/usr/bin/'));
        expect(places, `${name} ${key}`).toEqual(
          values.map((value) => value.replace(/(^|[ =-])\/(?:usr\/s|)bin\//g, '$1/usr/bin/')),
        );
      }
      expect(found?.after, name).toEqual(
        expect.arrayContaining((wanted.get('Unit')?.get('After') ?? []).flatMap((value) => value.split(' '))),
      );
    }
  });

  it('takes the disk, the boot script and the kernel settings from the files of the Debian image', async () => {
    const { selected } = await evaluateModules<Record<string, unknown>>(
      ['appliance'],
      WHOLE,
      `{
        grub = builtins.readFile system.config.services.msp-ab-updates.grubScript;
        fileSystems = builtins.mapAttrs (_: entry: entry.device) system.config.fileSystems;
        sysctl = system.config.boot.kernel.sysctl."kernel.kptr_restrict";
        watchdog = system.config.systemd.settings.Manager.RuntimeWatchdogSec;
        slice = system.config.systemd.slices.system.sliceConfig.MemoryMax;
        loader = system.config.boot.loader.grub.enable;
        critical = system.config.bulkhead.files."/usr/lib/bulkhead/critical-units".text;
      }`,
    );
    const file = (path: string) => readFileSync(join(NIX, '..', path), 'utf8');
    expect(selected).toEqual({
      grub: file('partitions/grub/grub.cfg'),
      fileSystems: {
        '/boot': '/dev/disk/by-partlabel/ESP',
        '/var/lib/msp': '/dev/disk/by-partlabel/MSP-DATA',
      },
      sysctl: 2,
      watchdog: '60s',
      slice: '1792M',
      loader: false,
      critical: file('iso/rootfs/usr/lib/bulkhead/critical-units'),
    });
  });

  it('refuses to be built without keys, and two packet filters at once', async () => {
    const { refused } = await evaluateModules(
      ['appliance'],
      '{ services.msp-appliance.enable = true; networking.firewall.enable = true; }',
      'null',
    );
    expect(refused.join()).toContain('keyset');
    expect(refused.join()).toContain('two packet filters');
  });
});

async function imageUnits(): Promise<string[]> {
  const { selected } = await evaluateModules<string[]>(
    ['compliance-agent'],
    '{ }',
    `(import ${NIX}/lib/units.nix { config = system.config; pkgs = {}; }).all`,
  );
  return selected;
}
