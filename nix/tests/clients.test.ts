import { describe, expect, it } from 'vitest';
import { evaluateModules, NIX, nixpkgsLib } from './evaluate.ts';

describe.skipIf(nixpkgsLib === undefined)('what people who work with it get', () => {
  it('Home Manager: the coordinator to talk to, and a program only where there is one', async () => {
    const { selected } = await evaluateModules<{ variables: Record<string, string>; packages: unknown[] }>(
      [],
      `{ lib, ... }: {
        imports = [ ${NIX}/modules/client/home-manager.nix ];
        options.home = {
          packages = lib.mkOption { type = lib.types.listOf lib.types.package; default = [ ]; };
          sessionVariables = lib.mkOption { type = lib.types.attrsOf lib.types.str; default = { }; };
        };
        config.programs.bulkhead = { enable = true; package = null; coordinator = "https://c.example.org"; };
      }`,
      '{ variables = system.config.home.sessionVariables; packages = system.config.home.packages; }',
    );
    expect(selected).toEqual({
      variables: { BULKHEAD_COORDINATOR: 'https://c.example.org' },
      packages: [],
    });
  });

  it('a Mac: the binary cache with its key, and the next one when it is away', async () => {
    const { selected } = await evaluateModules<Record<string, unknown>>(
      [],
      `{
        imports = [ ${NIX}/modules/client/darwin.nix ];
        services.bulkhead-cache-client = { enable = true; url = "https://cache.example.org"; publicKey = "cache-1:AAAA="; };
      }`,
      'system.config.nix.settings',
    );
    expect(selected).toMatchObject({
      substituters: ['https://cache.example.org'],
      'trusted-public-keys': ['cache-1:AAAA='],
      fallback: true,
    });
  });

  it('a template: a service beside the agent that starts with the system, confined', async () => {
    const { selected, refused } = await evaluateModules<{ wantedBy: string[]; serviceConfig: object }>(
      ['compliance-agent'],
      `{
        imports = [ ${NIX}/templates/module/module.nix ];
        services.compliance-agent.enable = true;
        services.site-example = { enable = true; interval = 300; };
      }`,
      '{ inherit (system.config.systemd.services.site-example) wantedBy serviceConfig; }',
    );
    expect(refused).toEqual([]);
    expect(selected).toMatchObject({
      wantedBy: ['multi-user.target'],
      serviceConfig: { DynamicUser: true, NoNewPrivileges: true, ProtectSystem: 'strict' },
    });
  });
});
