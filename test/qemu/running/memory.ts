import { describe, expect, test } from 'vitest';
import type { Box } from './box.ts';

/** What the whole system may take; 147 to 149 MB were measured with one SSH login open, of the 150 that it is meant to stay below. */
const USED_MAX_BYTES = 160e6;
const AGENT_MAX_BYTES = 100e6;
/** Measured after start-up work is done, as on an appliance that has been on for days. */
const SETTLED_AFTER_HEALTHY_S = 120;

export function describeMemory(box: () => Box): void {
  describe('memory', () => {
    test('two minutes after healthy the whole system uses less than 160 MB, the agent less than 100 MB', async () => {
      const { health } = await box().status();
      // Not the latest one: what is judged meanwhile is only observed.
      const judged_ms = Date.parse(health.verdicts.find(({ action }) => action === 'commit')?.at ?? '');
      await box().statusWhere(
        ({ time }) => Date.parse(time.now) - judged_ms >= SETTLED_AFTER_HEALTHY_S * 1000,
      );
      const memory = fields(await box().sh('cat /proc/meminfo'));
      const agent = fields(await box().sh('cat /proc/$(systemctl show -P MainPID compliance-agent)/status'));
      const site = fields(await box().sh('cat /proc/$(systemctl show -P MainPID bulkhead-site)/status'));
      const used = bytes(memory, 'MemTotal') - bytes(memory, 'MemAvailable');
      process.stdout.write(
        `memory: ${megabytes(used)} used of ${megabytes(bytes(memory, 'MemTotal'))}, ` +
          `agent ${megabytes(bytes(agent, 'VmRSS'))} (${megabytes(bytes(agent, 'RssAnon'))} its own), ` +
          `site ${megabytes(bytes(site, 'VmRSS'))} (${megabytes(bytes(site, 'RssAnon'))} its own), ` +
          `slab ${megabytes(bytes(memory, 'Slab'))}, page cache ${megabytes(bytes(memory, 'Cached'))}\n`,
      );
      expect(used).toBeLessThan(USED_MAX_BYTES);
      expect(bytes(agent, 'VmRSS')).toBeLessThan(AGENT_MAX_BYTES);
    });

    test('nothing is kept in memory file systems but a bounded journal', async () => {
      const used = await box().sh("df -k -t tmpfs --output=used,target | awk 'NR > 1 {print $1, $2}'");
      const total_kib = used.split('\n').reduce((sum, line) => sum + Number(line.split(' ')[0]), 0);
      // 16 MiB is what journald may take at most; the rest is a few hundred kilobytes.
      expect(total_kib).toBeLessThan(20 * 1024);
    });
  });
}

/** `Name:  123 kB` lines. */
const fields = (text: string) =>
  new Map(
    text.split('\n').map((line) => [line.split(':', 1)[0] ?? '', Number(/(\d+) kB/.exec(line)?.[1]) * 1024]),
  );

function bytes(from: ReadonlyMap<string, number>, name: string): number {
  const value = from.get(name);
  if (value === undefined || Number.isNaN(value)) throw new Error(`the kernel says nothing of ${name}`);
  return value;
}

const megabytes = (value_bytes: number) => `${(value_bytes / 1e6).toFixed(1)} MB`;
