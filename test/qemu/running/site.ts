import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { Box } from './box.ts';

const SITE = '/run/bulkhead-site/control.sock';
/** The whole way of a healing with two looks takes seconds; helper and looks are processes on an emulated processor. */
const HEALED_TIMEOUT_MS = 120_000;
const HEALING_TEST_TIMEOUT_MS = 240_000;

interface Healing {
  check_type: string;
  state: string;
  seen_again: { passed: boolean } | null;
}

/** The service of sensors, healing and evidence, on the real image. */
export function describeSite(box: () => Box): void {
  const json = async (command: string) => JSON.parse(await box().sh(`bulkhead ${command} --json`)) as unknown;

  describe('the service of the site', () => {
    test('is a user of its own without any capability, and reads neither device key nor configuration', async () => {
      // It starts behind the page, which is what the tests before wait for.
      await box().sh(`until [ -S ${SITE} ]; do sleep 1; done`);
      const pid = await box().sh('systemctl show -P MainPID bulkhead-site');
      const status = await box().sh(`cat /proc/${pid}/status`);
      expect(status).toMatch(/^Uid:\s+901\s+901\s+901\s+901$/m);
      for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        expect(status).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'));
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      const modes = await box().sh(
        `stat -c '%U:%G %a' /var/lib/msp/identity/device.key /var/lib/msp/config.yaml /var/lib/msp/evidence/evidence.key ${SITE}`,
      );
      expect(modes.split('\n')).toEqual([
        ...['msp:msp 400', 'root:msp 640', 'bulkhead-site:bulkhead-site 400'],
        'bulkhead-site:bulkhead-site 660',
      ]);
      expect(await box().sh('findmnt -no FSTYPE,OPTIONS /var/lib/bulkhead-site')).toMatch(
        /^ext4 .*nosuid,nodev,noexec/,
      );
    });

    test('speaks TLS with a certificate of its own authority on the port of gRPC', async () => {
      const { authority, subject } = await certificateOf(box().machine.hostPort(50_051));
      const { ca_sha256 } = (await json('sensors code')) as { ca_sha256: string };
      expect(authority.replaceAll(':', '').toLowerCase()).toBe(ca_sha256.replaceAll(':', '').toLowerCase());
      expect(subject).not.toBe('');
    });

    test('lets a sensor in by a code alone, and its word opens a finding and closes it', async () => {
      const url = `http://127.0.0.1:${box().machine.hostPort(8080)}`;
      const post = async (path: string, body: object, key?: string) => {
        const response = await fetch(url + path, {
          ...{ method: 'POST', body: JSON.stringify(body) },
          headers: {
            'content-type': 'application/json',
            ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          },
        });
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      const hostname = 'till-1';
      expect(
        (await post('/sensor/register', { hostname, admission_code: 'AAAA-AAAA-AAAA-AAAA' })).status,
      ).toBe(403);
      const { code } = (await json('sensors code')) as { code: string };
      const { body } = await post('/sensor/register', { hostname, admission_code: code });
      const key = String(body['api_key']);
      const drift = { hostname, drift_type: 'firewall', severity: 'high', details: { state: 'off' } };
      const detected_at = new Date().toISOString();
      const told = await post('/api/sensor/drift', { ...drift, detected_at }, key);
      expect(told).toMatchObject({ status: 200, body: { received: true } });
      expect(await json(`findings list --subject ${body['sensor_id']}`)).toMatchObject([
        { hostname, check_type: 'firewall', state: 'open' },
      ]);
      const resolved = {
        hostname,
        drift_type: 'firewall',
        resolved_at: new Date().toISOString(),
        resolved_by: 'user',
      };
      expect((await post('/api/sensor/resolved', resolved, key)).status).toBe(200);
      expect(await json(`findings list --subject ${body['sensor_id']}`)).toEqual([]);
      expect((await post('/api/sensor/drift', { ...drift, detected_at }, 'wrong')).status).toBe(401);
    });

    test('puts a firewall back that somebody took away, believes its second look alone, and has it on record', {
      timeout: HEALING_TEST_TIMEOUT_MS,
    }, async () => {
      const tables = () => box().sh('nft list tables');
      const before = await tables();
      await box().sh(
        'nft flush ruleset; bulkhead firewall check; bulkhead compliance run >/dev/null || true',
      );
      const last = async () => ((await json('healing history --check firewall')) as Healing[])[0];
      await expect
        .poll(async () => (await last())?.state, { timeout: HEALED_TIMEOUT_MS, interval: 3000 })
        .toBe('healed');
      expect((await last())?.seen_again).toMatchObject({ passed: true });
      expect(await tables()).toBe(before);
      expect(await json('findings list --subject appliance --check firewall')).toEqual([]);
      const kinds = ((await json('evidence list --limit 200')) as { kind: string }[]).map(({ kind }) => kind);
      for (const kind of [
        'site.started',
        'sensor.admitted',
        'finding.opened',
        'healing.started',
        'healing.ended',
      ])
        expect(kinds).toContain(kind);
    });

    test('gives out evidence that verifies anywhere, and of which one changed byte is found', async () => {
      await box().sh('bulkhead evidence export /tmp/evidence.jsonl >/dev/null');
      expect((await box().try('bulkhead evidence verify /tmp/evidence.jsonl')).code).toBe(0);
      await box().sh("sed -i '0,/till-1/s//till-2/' /tmp/evidence.jsonl");
      const changed = await box().try('bulkhead evidence verify /tmp/evidence.jsonl');
      expect(changed.code).not.toBe(0);
      expect(changed.stdout + changed.stderr).toMatch(/record|seq/i);
      await box().sh('rm /tmp/evidence.jsonl');
    });
  });
}

/** Who answers there: the name of the certificate, and the fingerprint of the authority that it came with. */
function certificateOf(port: number): Promise<{ subject: string; authority: string }> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    const socket = connect(options, () => {
      const { subject, issuerCertificate } = socket.getPeerCertificate(true);
      socket.destroy();
      resolve({ subject: String(subject.CN ?? ''), authority: issuerCertificate?.fingerprint256 ?? '' });
    });
    socket.on('error', reject);
    socket.setTimeout(30_000, () => socket.destroy(new Error(`nobody answers on ${port}`)));
  });
}
