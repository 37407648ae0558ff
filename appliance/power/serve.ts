import { existsSync } from 'node:fs';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { POWER_ANSWER_FILE, POWER_REQUEST_FILE } from '../../base/paths.ts';
import { type JsonFile, jsonFile } from '../../updater/state/json-file.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { rebootRule, rebootWish } from '../update/reboot-rule.ts';
import { reboot, rebootNowIfWanted } from '../update/reboot-when-due.ts';
import { rollBackUpdate } from '../update/roll-back.ts';
import { APPLIANCE_UPDATE_TOOLS, type UpdateTools } from '../update/update-tools.ts';
import { PowerAnswer, type PowerRequest, takePowerRequest } from './request.ts';

export interface PowerTools {
  update: UpdateTools;
  requestFile: string;
  answer: JsonFile<PowerAnswer>;
}

export const APPLIANCE_POWER_TOOLS: PowerTools = {
  update: APPLIANCE_UPDATE_TOOLS,
  requestFile: POWER_REQUEST_FILE,
  answer: jsonFile(POWER_ANSWER_FILE, PowerAnswer, 'the answer to a request'),
};

/**
 * What the agent left in its request file, done by the service that its path unit starts. Needs root.
 *
 * @throws BulkheadError POWER_REQUEST_INVALID, SLOTS_NEED_ROOT, UPDATE_REBOOT_FAILED and what rollBackUpdate throws
 */
export async function servePower(tools: PowerTools): Promise<{ message: string }> {
  if (!existsSync(tools.requestFile)) return { message: 'nothing was asked for' };
  // Taken before anything can fail: what lies there starts this again and again.
  const request = takePowerRequest(tools.requestFile);
  const { order } = request;
  try {
    await requireInstalled(tools.update.slots, 'orders run-power-request');
    const message = await act(tools.update, request);
    tools.answer.write({ format: 1, order, outcome: 'done', code: null, message });
    return { message: `${message}; asked for because: ${oneLine(request.reason)}` };
  } catch (error) {
    const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
    const message = error instanceof BulkheadError ? error.message : describeError(error);
    tools.answer.write({ format: 1, order, outcome: 'failed', code, message });
    throw error;
  }
}

async function act(tools: UpdateTools, request: PowerRequest): Promise<string> {
  const { action, order, to_version, at_once } = request;
  if (action === 'reboot') {
    await reboot(tools);
    return 'rebooting';
  }
  const wish = rebootWish(true, rebootRule(tools.config()), at_once);
  const report = await rollBackUpdate(tools, wish, { order, to_version, at_once });
  if (report.gaveUp) {
    // The boots of a trial that is given up wait for no window: they are what brings the appliance back.
    await reboot(tools);
    return `${report.message}; rebooting`;
  }
  const { message } = await rebootNowIfWanted(tools, wish);
  return `${report.message}; ${message}`;
}

/** It comes from the agent and goes into the journal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
