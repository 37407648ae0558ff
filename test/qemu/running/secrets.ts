import { describe, expect, test } from 'vitest';
import { type Plain, sopsFile } from '../../unit/sops-file.ts';
import type { Box } from './box.ts';

const FILE = '/var/lib/msp/secrets.yaml';
const LIST = '/var/lib/msp/secrets.json';
const SECRET = '/run/bulkhead/secrets/token';

/** Puts a file in its place in one step. */
const put = (path: string, text: string) => `cat >${path}.new <<'END'\n${text}\nEND\nmv ${path}.new ${path}`;

/** Waits for shell code to end with 0. */
const until = (code: string) => `for second in $(seq 60); do ${code} && exit 0; sleep 1; done; exit 1`;

export function describeSecrets(box: () => Box): void {
  describe('secrets', () => {
    const encrypt = async (values: { [name: string]: Plain }, modified?: string) =>
      sopsFile(values, {
        recipients: [await box().sh('bulkhead secrets key')],
        ...(modified === undefined ? {} : { modified }),
      });

    test('what is encrypted for the appliance becomes a file of its owner in memory, and who needs it starts again', async () => {
      const agent = () => box().sh('systemctl show -P MainPID compliance-agent');
      const before = await agent();
      await box().sh(put(FILE, await encrypt({ site: { token: 'tok-1' } })));
      const secret = {
        ...{ sops_file: FILE, sops_key: 'site/token', owner: 'msp' },
        ...{ restart_units: ['compliance-agent.service'], rotate_after_days: 3650 },
      };
      // Not in the same instant: the path unit is still busy with the file before.
      await box().sh(`sleep 2; ${put(LIST, JSON.stringify({ secrets: { token: secret } }))}`);
      await box().sh(until(`[ -e ${SECRET} ]`));
      expect(
        await box().sh(`stat -c '%a %U' ${SECRET}; findmnt -nro FSTYPE -T ${SECRET}; cat ${SECRET}`),
      ).toBe('400 msp\ntmpfs\ntok-1');
      await box().sh(until(`[ "$(systemctl show -P MainPID compliance-agent)" != ${before} ]`));
      expect(await box().sh("stat -c '%a %U' /var/lib/msp/identity/age.key")).toBe('400 root');
      const { secrets } = await box().statusWhere((status) => status.secrets.secrets.length === 1);
      expect(secrets).toMatchObject({ problem: null, secrets: [{ name: 'token', problem: null }] });
    });

    test('a file that was changed on the way is refused, the page says so, and the value there was stays', async () => {
      const good = await encrypt({ site: { token: 'tok-2' } });
      await box().sh(put(FILE, good.replace('"lastmodified": "2026', '"lastmodified": "2027')));
      const { secrets } = await box().statusWhere((status) => status.secrets.secrets[0]?.problem !== null);
      expect(secrets.secrets[0]?.problem).toContain('SECRETS_TAMPERED');
      expect(await box().sh(`cat ${SECRET}`)).toBe('tok-1');
      await box().sh(`${put(FILE, good)}; ${until(`grep -qx tok-2 ${SECRET}`)}`);
    });

    test('a secret that nobody has changed for long is on the page', async () => {
      const old = await encrypt({ site: { token: 'tok-3' } }, '2015-01-01T00:00:00Z');
      await box().sh(put(FILE, old));
      const { secrets } = await box().statusWhere((status) =>
        (status.secrets.secrets[0]?.rotateBy ?? '').startsWith('2024'),
      );
      expect(secrets.secrets[0]?.problem).toBeNull();
      expect((await box().try('bulkhead secrets status')).stdout).toContain('should have been changed');
    });
  });
}
