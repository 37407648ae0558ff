import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { run } from '../../base/run.ts';
import { collectStatus } from '../facts/collect-status.ts';
import { makeFactTree } from '../facts/fact-tree.ts';
import { setupPaths } from './paths.ts';
import { runSetup } from './setup.ts';

const SECRET = 'hunter2-hunter2';
const tree = makeFactTree();
const root = mkdtempSync(join(tmpdir(), 'bulkhead-secrets-'));
afterEach(() => {
  tree.remove();
  rmSync(root, { recursive: true });
});

/** What a person may paste where it does not belong, all in one file, and the variables of a unit beside it. */
const CONFIG = `
coordinator: {url: "https://tech:${SECRET}@c.example.org/?token=${SECRET}"}
update: {url: "https://tech:${SECRET}@r.example.org/a.bundle"}
ssh:
  authorized_keys:
    - |
      -----BEGIN OPENSSH PRIVATE KEY-----
      ${SECRET}
      -----END OPENSSH PRIVATE KEY-----
    - ${SECRET}
network: {wifi: {ssid: clinic, passphrase: "${SECRET}\u00e9", country: ${SECRET}}}
time: {servers: ["ntp://tech:${SECRET}@t.example.org"]}
`;

it.skipIf(process.getuid?.() !== 0)(
  'a secret in a wrong setting is neither in the report of the set-up nor on the page, and the mistake is',
  async () => {
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    write('etc/passwd', 'msp:x:990:991::/:/usr/sbin/nologin\nbulkhead-site:x:993:994::/:/usr/sbin/nologin\n');
    write('run/bulkhead/initrd.env', 'data_state=ok\n');
    write('var/lib/msp/config.yaml', CONFIG);
    const environment = { MCP_URL: `https://c.example.org/?token=${SECRET}` };
    const paths = setupPaths(root);
    const report = await runSetup({ paths, run, now: () => new Date(1_800_000_000_000), environment });
    expect(JSON.stringify(report)).not.toContain(SECRET);

    tree.write('image.json', '{"version":"1.1.0","revision":"abc1234","built_at":"2026-11-20T00:00:00Z"}');
    const status = await collectStatus({
      ...tree.context,
      paths: { ...tree.context.paths, setupFactsFile: paths.facts },
    });
    const shown = JSON.stringify(status);
    expect(shown).not.toContain(SECRET);
    for (const key of ['coordinator.url', 'update.url', 'ssh.authorized_keys[0]', 'network.wifi', 'MCP_URL'])
      expect(shown).toContain(key);
  },
);
