import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../../health-gate/verdict-schema.ts';
import { accelerators } from '../harness/accelerator.ts';
import type { Box } from './box.ts';

const FULL = process.env['BULKHEAD_FULL'] === '1';

/** systemd waits one second before it starts the agent again; the start itself takes 3 s on hardware, 15 s here. */
const BACK_AFTER_KILL_MS = 30_000;
/**
 * From the hang to the agent that says it is ready, by the machine's own clock. The start takes 3 s on hardware and, emulated on a
 * busy computer, ten times as long: there, what comes before it has to leave 6 s of the 30.
 */
const BACK_AFTER_HANG_S = 30;
const NEXT_START_S = 24;
/** By this computer's clock, which also counts what emulation stands still for. */
const HANG_PATIENCE_MS = 3 * 60_000;
export function describeRecovery(box: () => Box): void {
  describe('the agent', () => {
    test('answers again within 30 s after it was killed', async () => {
      const before = await agentPid(box());
      await box().sh(`kill -KILL ${before}`);
      await box().statusWhere(() => true, BACK_AFTER_KILL_MS);
      expect(await agentPid(box())).not.toBe(before);
      // The page is there before the agent has asked systemd about the services again.
      await box().statusWhere(({ services }) =>
        services.some(({ unit, restarts }) => unit === 'compliance-agent.service' && (restarts ?? 0) > 0),
      );
      expect((await box().status()).health.outcome).toBe('healthy');
    });

    test('that hangs is ended and started anew, within 30 s by the clock of the machine', async () => {
      const before = await agentPid(box());
      // The pause before a restart grows with those before it.
      await box().sh('systemctl reset-failed compliance-agent');
      const at_s = async (property: string) =>
        Number(await box().sh(`systemctl show -P ${property} compliance-agent`)) / 1e6;
      const readyBefore_s = await at_s('ActiveEnterTimestampMonotonic');
      const hung_s = Number(await box().sh(`cut -d' ' -f1 /proc/uptime; kill -STOP ${before}`));
      const ready = () => at_s('ActiveEnterTimestampMonotonic');
      await expect
        .poll(ready, { timeout: HANG_PATIENCE_MS, interval: 1_000 })
        .toSatisfy((now_s) => now_s > readyBefore_s);
      const started_s = (await at_s('ExecMainStartTimestampMonotonic')) - hung_s;
      const ready_s = (await ready()) - hung_s;
      process.stdout.write(
        `agent: hung, started after ${started_s.toFixed(1)} s, ready after ${ready_s.toFixed(1)} s\n`,
      );
      expect(started_s).toBeLessThan(NEXT_START_S);
      if ((await accelerators())[0] === 'kvm') expect(ready_s).toBeLessThan(BACK_AFTER_HANG_S);
      expect(await agentPid(box())).not.toBe(before);
      expect(await box().sh('journalctl -b -u compliance-agent -o cat --no-pager')).toContain(
        'Watchdog timeout',
      );
      await box().statusWhere(() => true);
    });

    // Until it is killed the machine reads its own programs again and again: minutes in emulation beside other machines.
    test.runIf(FULL)('and SSH outlive a program that eats all memory (only in the full run)', async () => {
      const before = await agentPid(box());
      // One line without an end: it is kept in memory until there is no more.
      const { code } = await box().try('systemd-run --quiet --wait --unit=hungry tail /dev/zero');
      expect(code).not.toBe(0);
      expect(
        await box().sh('journalctl -b -o cat --no-pager | grep -m1 "Out of memory: Killed\\|oom-kill"'),
      ).toContain('oom');
      expect(await agentPid(box())).toBe(before);
      expect((await box().status()).health.outcome).toBe('healthy');
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
