import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../../health-gate/verdict-schema.ts';
import type { Box } from './box.ts';

/** systemd waits one second before it starts the agent again; the start itself takes 3 s on hardware, 15 s here. */
const BACK_AFTER_KILL_MS = 30_000;
/** WatchdogSec of the agent is a minute; then it is aborted and started again. */
const BACK_AFTER_HANG_MS = 4 * 60_000;
const FULL = process.env['BULKHEAD_FULL'] === '1';

export function describeRecovery(box: () => Box): void {
  describe('the agent', () => {
    test('answers again within 30 s after it was killed', async () => {
      const before = await agentPid(box());
      await box().sh(`kill -KILL ${before}`);
      await box().statusWhere(() => true, BACK_AFTER_KILL_MS);
      expect(await agentPid(box())).not.toBe(before);
      // The page is there before the agent has asked systemd about the services again.
      await box().statusWhere(({ services }) =>
        services.some(({ unit, restarts }) => unit === 'compliance-agent.service' && restarts === 1),
      );
      expect((await box().status()).health.outcome).toBe('healthy');
    });

    test.runIf(FULL)('is started anew when it hangs', async () => {
      const before = await agentPid(box());
      await box().sh(`kill -STOP ${before}`);
      await box().statusWhere(() => true, BACK_AFTER_HANG_MS);
      expect(await agentPid(box())).not.toBe(before);
      expect(await box().sh('journalctl -b -u compliance-agent -o cat --no-pager')).toContain(
        'Watchdog timeout',
      );
    });
  });

  describe('a clean restart', () => {
    test('keeps every identity, is counted and committed again, and both boots stand in the journal of verdicts', async () => {
      const before = await identities(box());
      const first = await box().status();
      const second = await box().restart();
      expect(second.boot).toMatchObject({ slot: 'A', attempt: 1, mode: 'normal' });
      expect(second.boot.bootId).not.toBe(first.boot.bootId);
      expect(second.health.outcome).toBe('healthy');
      expect(await identities(box())).toEqual(before);
      expect(second.identity).toEqual(first.identity);
      expect(
        box().machine.serialText.match(/BULKHEAD-GRUB start slot=A attempt=1 mode=normal/g),
      ).toHaveLength(2);
      const slots = JSON.parse(await box().sh('bulkhead slots --json')) as { bootState: object };
      expect(slots.bootState).toMatchObject({ active: 'A', attempts: 0, failed: null });
      const journal = (await box().sh('cat /var/lib/msp/health/verdicts.jsonl')).split('\n');
      const verdicts = journal.map((line) => JSON.parse(line) as Verdict);
      expect(verdicts.filter(({ action }) => action === 'commit').map(({ bootId }) => bootId)).toEqual([
        first.boot.bootId,
        second.boot.bootId,
      ]);
      expect(second.health.verdicts.map(({ bootId }) => bootId)).toContain(first.boot.bootId);
    });
  });
}

const agentPid = (box: Box) => box.sh('systemctl show -P MainPID compliance-agent');

/** What says who this machine is. */
async function identities(box: Box) {
  const { identity } = await box.status();
  return {
    identity,
    machineId: await box.sh('cat /etc/machine-id'),
    hostKey: await box.sh('cat /var/lib/msp/identity/ssh/ssh_host_ed25519_key.pub'),
    deviceKey: await box.sh('sha256sum /var/lib/msp/identity/device.key'),
  };
}
