import { BulkheadError } from '../../base/errors.ts';
import { type Account, ask } from '../start/coordinator.ts';
import { FOLLOW_LOOK_MS, FOLLOW_TIMEOUT_MS } from '../start/limits.ts';

interface Member {
  state: string;
  code: string | null;
  message: string | null;
}

/**
 * Tells every step of a rollout until it is completed, or until its brake is engaged.
 *
 * @throws BulkheadError DEMO_TIMEOUT, DEMO_OUTCOME when it ended in another way than it should
 */
export async function follow(
  account: Account,
  what: { rollout_id: string; device_id: string; kind: 'update' | 'rollback' },
  say: (text: string) => void,
): Promise<void> {
  const start_ms = performance.now();
  const rolloutPath = `/api/v1/rollouts/${what.rollout_id}`;
  let told = '';
  const tell = (line: string) => {
    if (line === told) return;
    told = line;
    say(`${((performance.now() - start_ms) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  };
  while (performance.now() - start_ms < FOLLOW_TIMEOUT_MS) {
    const { phase } = (await ask(account, 'GET', rolloutPath)) as { phase: string };
    const { members } = (await ask(account, 'GET', `${rolloutPath}/members`)) as unknown as {
      members: Member[];
    };
    const device = await ask(account, 'GET', `/api/v1/devices/${what.device_id}`);
    const [member] = members;
    const reason = member?.message ? `: ${member.message}` : '';
    tell(
      `rollout ${phase}; appliance ${member?.state ?? 'not in it yet'}${reason}; it runs ${String(device['image_version'])}`,
    );
    const outcome = phase === 'completed' ? 'update' : phase === 'braked' ? 'rollback' : undefined;
    if (outcome !== undefined) {
      if (outcome === what.kind) return say(ENDS[what.kind]);
      throw new BulkheadError('DEMO_OUTCOME', `the rollout is ${phase}, which it should not be${reason}`, {
        hint: `bulkhead-coordinator rollout plans ${what.rollout_id} tells why`,
      });
    }
    await Bun.sleep(FOLLOW_LOOK_MS);
  }
  throw new BulkheadError('DEMO_TIMEOUT', 'the rollout has not come to its end', {
    hint: 'the page of the appliance and its console say what it is doing',
  });
}

const ENDS = {
  update: 'The release is on the appliance, judged healthy and committed.',
  rollback: 'The appliance came back by itself, and the rollout has stopped by its own brake.',
} as const;
