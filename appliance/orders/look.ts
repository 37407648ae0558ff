import { existsSync } from 'node:fs';
import { Value } from '@sinclair/typebox/value';
import { describeError } from '../../base/errors.ts';
import { type MachineFacts, readMachineFacts } from '../../health-gate/machine-facts.ts';
import { isOpen } from '../../updater/maintenance-window.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { FactPaths } from '../facts/fact-context.ts';
import { readJson, readLine } from '../facts/fact-files.ts';
import { readUpdateFiles } from '../facts/update.ts';
import { UpdateHistory } from '../facts/update-history.ts';
import { readVerdict } from '../facts/verdicts.ts';
import { PowerAnswer, PowerRequest } from '../power/request.ts';
import { rebootRule } from '../update/reboot-rule.ts';
import { TakenRequest, UpdateRequestFile } from '../update/request-file.ts';
import type { OrderPaths } from './order-paths.ts';
import type { Sight } from './sight.ts';

export interface LookOptions {
  facts: FactPaths;
  paths: OrderPaths;
  loadConfig: () => LoadedConfig;
  now: () => Date;
  warn: (message: string) => void;
}

/** What is seen of the machine, as the helpers of root left it in their files. Reads a dozen small files; what cannot be read is not known. */
export function createLook(options: LookOptions): () => Omit<Sight, 'now_ms' | 'run_id' | 'doing'> {
  const { facts, paths, now, warn } = options;
  const history = new UpdateHistory(facts.updateHistoryFile);
  return () => {
    // In the order in which an update goes from one to the next: read so, it is seen in one of them.
    const asked = orderIn(paths.updateRequest, UpdateRequestFile);
    const taken = orderIn(paths.takenRequest, TakenRequest);
    const { progress, pending } = readUpdateFiles(facts, now(), warn);
    const boot_id = readLine(`${facts.proc}/sys/kernel/random/boot_id`) ?? '';
    return {
      boot_id,
      judged: boot_id !== '' && readVerdict(facts.healthFile)?.bootId === boot_id,
      committed: committedRelease(readMachineFacts(facts.machineFactsFile)),
      window_open: isWindowOpen(options),
      update: { asked, taken, progress, pending, history: history.read().latest },
      power: readPower(paths),
    };
  };
}

/** The release that runs and was kept. */
function committedRelease(machine: MachineFacts | null): Sight['committed'] {
  const { slot, bootState, slots } = machine ?? { slot: null, bootState: null, slots: [] };
  if (slot === null || bootState === null) return null;
  const { active, trial, failed } = bootState;
  const version = slots.find((one) => one.slot === slot)?.version ?? null;
  if (active !== slot || trial === slot || failed === slot || version === null) return null;
  return { slot, version };
}

/** Root judges by the same rule. */
function isWindowOpen({ loadConfig, paths, now, warn }: LookOptions): boolean {
  try {
    const rule = rebootRule(loadConfig());
    if ('unknown' in rule) return false;
    if (rule.window === null) return true;
    return existsSync(paths.clockSynchronised) && isOpen(rule.window, now());
  } catch (error) {
    warn(`the maintenance window is not known: ${describeError(error)}`);
    return false;
  }
}

function orderIn(path: string, schema: typeof UpdateRequestFile | typeof TakenRequest): string | null {
  const value = readJson(path);
  return Value.Check(schema, value) ? (value.order?.name ?? null) : null;
}

function readPower({ powerRequest, powerAnswer }: OrderPaths): Sight['power'] {
  const asked = readJson(powerRequest);
  const answer = readJson(powerAnswer);
  return {
    asked: Value.Check(PowerRequest, asked) ? asked.order : null,
    answer: Value.Check(PowerAnswer, answer) ? answer : null,
  };
}
