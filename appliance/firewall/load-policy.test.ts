import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { loadPolicyFromConfiguration } from './load-policy.ts';
import { firewallPolicyFor, NOTHING_CONFIGURED } from './policy.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firewall-policy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The real loader on a real file. */
function policyOfFile(text: string) {
  const deviceFile = join(folder, 'config.yaml');
  writeFileSync(deviceFile, text);
  const imageFile = join(folder, 'none.yaml');
  return loadPolicyFromConfiguration(() => loadConfig({ deviceFile, imageFile, environment: {} }));
}

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJCX430SnIlJSrFPlTeIz/pLdecWAi0nUZ8wFHR+lvML technician';

describe('the policy of a configuration file', () => {
  test('opens SSH for a key and adds the port of the coordinator', () => {
    const { policy, problem } = policyOfFile(
      `ssh:\n  authorized_keys:\n    - ${KEY}\ncoordinator:\n  url: https://coordinator.example:8443\n`,
    );
    expect(problem).toBeNull();
    expect(policy.inputTcpPorts).toEqual([22, 80, 8080, 50_051]);
    expect(policy.outputTcpPorts).toContain(8443);
  });

  test('is the built-in one for a file that is refused, with the place and without what is written there', () => {
    const text = 'network:\n  wifi:\n    ssid: lan\n    passphrase: "geheim"\n    country: null\n';
    const { policy, problem } = policyOfFile(text);
    expect(policy).toEqual(firewallPolicyFor({ ...NOTHING_CONFIGURED, sensorsEnabled: true }));
    expect(problem).toMatch(/^the device configuration is refused, see .*config\.yaml:\d+/);
    expect(problem).not.toContain('geheim');
  });

  test('is the built-in one when the configuration cannot be loaded at all', () => {
    const { policy, problem } = loadPolicyFromConfiguration(() => {
      throw new Error('input/output error');
    });
    expect(policy).toEqual(firewallPolicyFor(NOTHING_CONFIGURED));
    expect(problem).toContain('input/output error');
  });
});
