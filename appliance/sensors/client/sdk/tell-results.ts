import type { ApplianceClient } from './appliance-client.ts';
import type { HealJournal } from './heal-journal.ts';
import { type Knock, once } from './knock.ts';
import { resultToWire, type Sender } from './wire.ts';

/**
 * Tells what became of commands, oldest first, until the appliance says that it has it; then waits for the next.
 *
 * @throws what the call throws; what was not acknowledged stays in the journal
 */
export async function tellResults(
  client: Pick<ApplianceClient, 'reportHealing'>,
  journal: HealJournal,
  sender: Sender,
  knock: Knock,
  signal: AbortSignal,
): Promise<void> {
  const ended = once(signal);
  while (!signal.aborted) {
    for (const result of journal.untold()) {
      const { received } = await client.reportHealing(resultToWire(result, sender));
      // Not taken now: it is told again with the next heartbeat.
      if (received) journal.told(result.command_id);
      if (signal.aborted) return;
    }
    await Promise.race([knock.next(), ended]);
  }
}
