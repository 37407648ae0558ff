import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../appliance/config/load.ts';
import { loadPolicyFromConfiguration } from '../../appliance/firewall/load-policy.ts';
import { shownFirewall } from '../../appliance/firewall/present.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { evaluateModules, nixpkgsLib } from './evaluate.ts';
import { readSettings } from './unit-text.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJCX430SnIlJSrFPlTeIz/pLdecWAi0nUZ8wFHR+lvML technician';

/** The rules for a configuration file and an environment, by the program itself. */
function rulesOf(text: string, environment: Record<string, string>): unknown {
  const imageFile = join(makeFolder('nix-firewall'), 'config.yaml');
  writeFileSync(imageFile, text);
  const deviceFile = `${imageFile}.none`;
  return shownFirewall(loadPolicyFromConfiguration(() => loadConfig({ imageFile, deviceFile, environment })));
}

describe.skipIf(nixpkgsLib === undefined)('the firewall of a NixOS host', () => {
  it('has the rules that the Debian image has with the same configuration', async () => {
    const { selected, refused } = await evaluateModules<{
      config: string;
      environment: Record<string, string>;
      modules: string[];
      nixos: boolean[];
    }>(
      ['firewall', 'compliance-agent', 'ssh-hardening'],
      `{
        services.msp-firewall.enable = true;
        services.compliance-agent = { enable = true; mcpUrl = "https://coordinator.example:8443"; };
        services.msp-ssh = { enable = true; authorizedKeys = [ "${KEY}" ]; };
      }`,
      `{
        config = system.config.bulkhead.files."/usr/lib/bulkhead/config.yaml".text;
        inherit (system.config.systemd.services.bulkhead-firewall) environment;
        modules = system.config.boot.kernelModules;
        nixos = [ system.config.networking.firewall.enable system.config.networking.nftables.enable ];
      }`,
    );
    expect(refused).toEqual([]);
    expect(rulesOf(selected.config, selected.environment)).toEqual(
      rulesOf(
        `coordinator:\n  url: https://coordinator.example:8443\nssh:\n  authorized_keys:\n    - ${KEY}\n`,
        {},
      ),
    );
    expect(selected.modules).toEqual(expect.arrayContaining(['nf_tables', 'nft_connlimit']));
    expect(selected.nixos).toEqual([false, false]);
  });
});

describe.skipIf(nixpkgsLib === undefined)('SSH and the clock of a NixOS host', () => {
  it('SSH has every line of the image that is not about a place, and keys for the users alone', async () => {
    const { selected } = await evaluateModules<{ settings: Record<string, unknown>; keys: string[] }>(
      ['ssh-hardening'],
      `{ services.msp-ssh = { enable = true; users = [ "technician" ]; authorizedKeys = [ "${KEY}" ]; }; }`,
      '{ inherit (system.config.services.openssh) settings; keys = system.config.users.users.technician.openssh.authorizedKeys.keys; }',
    );
    const { AllowUsers: users, ...settings } = selected.settings;
    expect(users).toEqual(['technician']);
    expect(selected.keys).toEqual([KEY]);
    const places = ['AllowUsers', 'AuthorizedKeysFile', 'HostKey', 'Port', 'Subsystem', 'UsePAM'];
    const wanted = Object.entries(readSettings('iso/rootfs/usr/lib/bulkhead/sshd_config')).filter(
      ([name]) => !places.includes(name),
    );
    const shown = (value: unknown) => (value === true ? 'yes' : value === false ? 'no' : value);
    expect(Object.entries(settings).map(([name, value]) => [name, shown(value)])).toEqual(
      wanted.sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });

  it('the clock follows the servers that are named, and needs no data partition on a host', async () => {
    const { selected } = await evaluateModules<unknown>(
      ['timesync'],
      '{ services.msp-timesync = { enable = true; servers = [ "10.0.0.1" ]; zone = "Europe/Berlin"; }; }',
      '{ inherit (system.config.services.timesyncd) enable servers; zone = system.config.time.timeZone; units = builtins.attrNames system.config.systemd.services; }',
    );
    expect(selected).toEqual({ enable: true, servers: ['10.0.0.1'], zone: 'Europe/Berlin', units: [] });
  });
});

describe.skipIf(nixpkgsLib === undefined)('overlay networks', () => {
  const overlay = (settings: string) =>
    evaluateModules<unknown>(
      ['overlay-network'],
      `{ services.bulkhead-overlay = { ${settings} }; }`,
      `{
        wireguard = system.config.networking.wireguard.interfaces;
        zerotier = system.config.services.zerotierone.enable;
        yggdrasil = system.config.services.yggdrasil.enable;
        udp = system.config.networking.firewall.allowedUDPPorts;
      }`,
    );
  const OFF = { wireguard: {}, zerotier: false, yggdrasil: false, udp: [] };

  it('are off unless one is chosen, and then that one alone is on', async () => {
    expect((await overlay('')).selected).toEqual(OFF);
    expect((await overlay('kind = "zerotier"; zerotierNetworks = [ "8056c2e21c000001" ];')).selected).toEqual(
      {
        ...OFF,
        zerotier: true,
      },
    );
    expect((await overlay('kind = "yggdrasil";')).selected).toEqual({ ...OFF, yggdrasil: true });
  });

  it('a tunnel has a key that is made here, and opens the port it listens on', async () => {
    const { selected, refused } = await overlay(`
      kind = "wireguard";
      wireguard = {
        addresses = [ "10.77.0.2/24" ];
        listenPort = 51820;
        peers = [ { publicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="; allowedIPs = [ "10.77.0.0/24" ]; } ];
      };`);
    expect(refused).toEqual([]);
    expect(selected).toMatchObject({
      wireguard: {
        bulkhead: {
          ips: ['10.77.0.2/24'],
          generatePrivateKeyFile: true,
          peers: [{ persistentKeepalive: 25 }],
        },
      },
      udp: [51820],
    });
  });

  it('a tunnel to nowhere is refused, and so is one that the firewall of the appliance would shut out', async () => {
    expect((await overlay('kind = "wireguard";')).refused.join()).toContain('needs addresses and peers');
    const { refused } = await evaluateModules(
      ['overlay-network'],
      '{ services.bulkhead-overlay.kind = "zerotier"; services.msp-firewall.enable = true; }',
      'null',
    );
    expect(refused.join()).toContain('no door for a tunnel');
  });
});
