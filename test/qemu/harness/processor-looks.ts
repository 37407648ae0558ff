import { LOOK_PAUSE_MS, PROCESSOR_LOOKS } from './limits.ts';
import type { Qmp } from './qmp.ts';

/**
 * Where the processor of a machine stands that says nothing any more: what QEMU is doing, the registers and the next instructions, more
 * than once. A loop, a wait for a device and a machine that was stopped look different, and nothing else tells them apart later.
 *
 * @throws BulkheadError QMP_COMMAND_FAILED, QMP_CLOSED, QMP_TIMEOUT
 */
export async function processorLooks(qmp: Pick<Qmp, 'command'>): Promise<string> {
  const monitor = async (line: string) =>
    String(await qmp.command('human-monitor-command', { 'command-line': line })).trimEnd();
  const looks: string[] = [];
  for (let look = 1; look <= PROCESSOR_LOOKS; look += 1) {
    if (look > 1) await Bun.sleep(LOOK_PAUSE_MS);
    const parts = [await monitor('info status'), await monitor('info registers'), await monitor('x/8i $pc')];
    looks.push(`--- look ${look}\n${parts.join('\n')}\n`);
  }
  return looks.join('\n');
}
