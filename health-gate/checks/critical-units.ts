import { readFile } from 'node:fs/promises';
import { runOrThrow } from '../../base/run.ts';
import { type Check, type CheckContext, failed, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS, START_PATIENCE_MS } from '../limits.ts';
import { type Answer, untilPassed } from '../patience.ts';

/** The gate runs while it asks; its own unit is "activating" and would fail itself. */
const OWN_UNIT = 'msp-health-gate.service';

const PROPERTIES = 'Id,LoadState,ActiveState,SubState,Result';

interface UnitState {
  unit: string;
  loadState: string;
  activeState: string;
  subState: string;
  result: string;
}

/** No unit that the image marks as critical is missing, failed, or still struggling when the patience ends. */
export const criticalUnits: Check = {
  name: 'critical-units',
  decisive: true,
  timeout_ms: (context) => Math.min(context.patience_ms, START_PATIENCE_MS) + CHECK_TIMEOUT_MS,
  async find(context, signal) {
    const units = await readUnitList(context.paths.criticalUnitsFile);
    // An empty list would pass for ever without looking at anything.
    if (units.length === 0) return failed(`${context.paths.criticalUnitsFile} names no unit`);
    return untilPassed(context.patience_ms, signal, () => judgeUnits(context, units));
  },
};

async function judgeUnits(context: CheckContext, units: readonly string[]): Promise<Answer> {
  const args = ['show', `--property=${PROPERTIES}`, '--', ...units];
  const text = await runOrThrow(context.run, 'systemctl', args, { timeout_ms: CHECK_TIMEOUT_MS });
  const states = parseUnitStates(text);
  const troubles = units.flatMap((unit, index) => {
    const state = states[index];
    const trouble = state ? unitTrouble(state) : { what: 'is not known to systemd', settled: true };
    return trouble === undefined ? [] : [{ unit, ...trouble }];
  });
  if (troubles.length === 0) return passed(`${units.length} critical units are well`);
  const finding = failed(troubles.map(({ unit, what }) => `${unit} ${what}`).join(', '));
  return troubles.some(({ settled }) => settled) ? { ...finding, settled: true } : finding;
}

/** What is wrong with a unit; settled when no waiting will mend it. */
interface UnitTrouble {
  what: string;
  settled: boolean;
}

/** Undefined when the unit is well. Inactive is well too: a finished one-shot, or a condition not met. */
function unitTrouble(state: UnitState): UnitTrouble | undefined {
  const { loadState, activeState, subState, result } = state;
  if (loadState !== 'loaded') return { what: `is ${loadState}`, settled: true };
  if (activeState === 'failed') return { what: `has failed (${result})`, settled: true };
  if (subState.startsWith('auto-restart')) {
    return { what: `keeps failing and is restarted (${result})`, settled: false };
  }
  if (activeState === 'activating') return { what: `is still starting (${subState})`, settled: false };
  return undefined;
}

/** `systemctl show` prints `Name=value` lines, one block per unit in the order asked for, blank lines between. */
function parseUnitStates(text: string): UnitState[] {
  return text
    .trim()
    .split(/\n\n+/)
    .filter((block) => block !== '')
    .map((block) => {
      const values = new Map(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
      const value = (name: string) => values.get(name) ?? '';
      return {
        unit: value('Id'),
        loadState: value('LoadState'),
        activeState: value('ActiveState'),
        subState: value('SubState'),
        result: value('Result'),
      };
    });
}

/** One unit name a line; `#` starts a comment. */
async function readUnitList(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '' && line !== OWN_UNIT);
}
