import { readFile } from 'node:fs/promises';
import { runOrThrow } from '../../base/run.ts';
import { type Check, type CheckContext, failed, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS, START_PATIENCE_MS } from '../limits.ts';
import { type Answer, untilPassed } from '../patience.ts';

/** The gate runs while it asks; its own unit is "activating" and would fail itself. */
const OWN_UNIT = 'msp-health-gate.service';

const PROPERTIES = 'Id,LoadState,ActiveState,SubState,Result,ActiveEnterTimestampMonotonic,NRestarts';

interface UnitState {
  unit: string;
  loadState: string;
  activeState: string;
  subState: string;
  result: string;
  /** Since the start of the kernel; 0 when it never was. */
  activeSince_ms: number;
  restarts: number;
}

/**
 * No unit that the image marks as critical is missing, failed, not started, or still struggling when the patience ends. On trial one
 * that runs has to have run for a while: a service that starts, answers and dies is well whenever one looks.
 */
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
  const now_ms = context.steady_ms === 0 ? Number.POSITIVE_INFINITY : await sinceKernelStart_ms(context);
  const troubles = units.flatMap((unit, index) => {
    const state = states[index];
    const trouble = state
      ? unitTrouble(state, context.steady_ms, now_ms)
      : { what: 'is not known to systemd', settled: true };
    return trouble === undefined ? [] : [{ unit, ...trouble }];
  });
  if (troubles.length === 0) return passed(`${units.length} critical units are well`);
  // Beside one that no waiting mends, those that are only starting are not the reason.
  const settled = troubles.filter((trouble) => trouble.settled);
  const told = settled.length > 0 ? settled : troubles;
  const finding = failed(told.map(({ unit, what }) => `${unit} ${what}`).join(', '));
  return settled.length > 0 ? { ...finding, settled: true } : finding;
}

/** What is wrong with a unit; settled when no waiting will mend it. */
interface UnitTrouble {
  what: string;
  settled: boolean;
}

/**
 * Undefined when the unit is well: it runs, or was a one-shot that stays active when it is done. One that is inactive has not been
 * started by anything, or was stopped: an image that forgets to start its network would pass with it.
 */
function unitTrouble(state: UnitState, steady_ms: number, now_ms: number): UnitTrouble | undefined {
  const { loadState, activeState, subState, result, activeSince_ms, restarts } = state;
  if (loadState !== 'loaded') return { what: `is ${loadState}`, settled: true };
  if (activeState === 'failed') return { what: `has failed (${result})`, settled: true };
  if (subState.startsWith('auto-restart')) {
    return { what: `keeps failing and is restarted (${result})`, settled: false };
  }
  if (activeState === 'activating') return { what: `is still starting (${subState})`, settled: false };
  if (activeState !== 'active' && activeState !== 'reloading')
    return { what: `is ${activeState}`, settled: false };
  const up_ms = now_ms - activeSince_ms;
  if (subState === 'running' && up_ms < steady_ms) {
    const what = `has run for only ${Math.floor(up_ms / 1000)} s, restarts: ${restarts}`;
    return { what, settled: false };
  }
  return undefined;
}

/** What systemd calls monotonic: both go on from the start of the kernel, and nothing here ever sleeps. */
async function sinceKernelStart_ms(context: CheckContext): Promise<number> {
  const path = `${context.paths.procFolder}/uptime`;
  const text = await readFile(path, 'utf8');
  const up_s = Number(text.split(' ', 1)[0]);
  if (!(up_s > 0)) throw new Error(`${path} says '${text.trim()}'`);
  return up_s * 1000;
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
        activeSince_ms: Number(value('ActiveEnterTimestampMonotonic')) / 1000,
        restarts: Number(value('NRestarts')),
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
