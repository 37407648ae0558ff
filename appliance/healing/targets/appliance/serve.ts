import { existsSync } from 'node:fs';
import { BulkheadError, describeError } from '../../../../base/errors.ts';
import { HEAL_ANSWER_FILE, HEAL_REQUEST_FILE } from '../../../../base/paths.ts';
import { type Run, run, runOrThrow } from '../../../../base/run.ts';
import { type JsonFile, jsonFile } from '../../../../updater/state/json-file.ts';
import { actionFacts } from '../../actions.ts';
import { HealAnswer, type KnownRequest, takeHealRequest } from './request.ts';

export interface HealTools {
  run: Run;
  requestFile: string;
  answer: JsonFile<HealAnswer>;
}

export const APPLIANCE_HEAL_TOOLS: HealTools = {
  run,
  requestFile: HEAL_REQUEST_FILE,
  answer: jsonFile(HEAL_ANSWER_FILE, HealAnswer, 'the answer to a request'),
};

/**
 * What the service of the site left in its request file, done by the unit that a path unit starts. Root does it; nothing of the request is
 * believed but the name of one action and, for units, one word of a fixed list.
 *
 * @throws BulkheadError HEALING_REQUEST_INVALID, HEALING_ACTION_*, COMMAND_*
 */
export async function serveHealing({
  run: runner,
  requestFile,
  answer,
}: HealTools): Promise<{ message: string }> {
  if (!existsSync(requestFile)) return { message: 'nothing was asked for' };
  // Taken before anything can fail: what lies there starts this again and again.
  const request = takeHealRequest(requestFile);
  const { healing, action } = request;
  try {
    const timeout_ms = actionFacts(action).timeout_s * 1000;
    const [program, ...args] = commandOf(request);
    await runOrThrow(runner, program, args, { timeout_ms });
    const message = [program, ...args].join(' ');
    answer.write({ format: 1, healing, outcome: 'done', code: null, message });
    return { message: `${healing}: ${message}` };
  } catch (error) {
    const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
    const message = error instanceof BulkheadError ? error.message : describeError(error);
    answer.write({ format: 1, healing, outcome: 'failed', code, message });
    throw error;
  }
}

/** Units do the work, each in a sandbox of its own; so the one who asks them needs no right but to ask. @throws BulkheadError */
function commandOf({ action, params }: KnownRequest): readonly [string, ...string[]] {
  switch (action) {
    case 'apply_firewall':
      return ['systemctl', 'reload-or-restart', 'bulkhead-firewall.service'];
    case 'restart_time_sync':
      return ['systemctl', 'restart', 'systemd-timesyncd.service'];
    case 'restart_unit':
      return ['systemctl', 'restart', params['unit'] ?? ''];
    default:
      throw new BulkheadError(
        'HEALING_ACTION_NOT_DONE',
        `${action} is not done on the appliance by this version`,
      );
  }
}
