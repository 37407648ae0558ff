import { join } from 'node:path';
import { checkDataStates, type DataCheck, planDataChecks } from './data-checks.ts';
import { judgeStory } from './data-story.ts';
import type { DiskShape } from './disk-shape.ts';
import type { LoggedUpdate } from './logged-update.ts';
import { countByPhase, type Phase, phasesOf } from './phases.ts';
import { judgePowerCuts, type PowerFault, type Prefix } from './power-judge.ts';
import { randomFrom } from './random.ts';
import type { WriteLog } from './write-log.ts';

/** Every disk that the log of an update could have left, judged. */
export interface UpdateJudgement {
  prefixes: Prefix[];
  phases: Phase[];
  /** Of the boot state and the slots, and of the data file system; described up to a limit, see faultCount. */
  faults: PowerFault[];
  faultCount: number;
  withoutState: number;
  /** What was counted, for people. */
  report: string;
}

/** @param seed for the samples */
export async function judgeUpdate(
  log: WriteLog,
  update: LoggedUpdate,
  shape: DiskShape,
  seed: number,
): Promise<UpdateJudgement> {
  const { base, releases, folder } = update;
  const start_ms = Date.now();
  const fast = judgePowerCuts(log, base.path, shape, releases, randomFrom(seed));
  const fast_ms = Date.now() - start_ms;
  const plan = planDataChecks(log, shape, randomFrom(seed));
  const images = join(folder, 'images');
  const checks = await checkDataStates(log, base.path, shape, plan, images, randomFrom(seed));
  const data_ms = Date.now() - start_ms - fast_ms;
  const { prefixes, judged, withoutState } = fast;
  const story = judgeStory(checks, { prefixes });
  const phases = phasesOf({ prefixes, checks, target: 'B', releases, release: 'new' });
  const faults = [...fast.faults, ...story];
  const lines = [
    `power cuts of an update: BULKHEAD_SEED=${seed}`,
    `boot state and slots, ${fast_ms / 1000} s: ${judged.prefixes} prefixes, ${judged.torn} with a torn write, ` +
      `${judged.subsets} with unflushed writes lost; ${withoutState} without a boot state`,
    `data file system, ${data_ms / 1000} s: ${describeData(checks, plan.candidates)}`,
    ...countByPhase(phases, prefixes).map(
      (phase) =>
        `  ${phase.name}: ${phase.prefixes} prefixes, ${phase.torn} torn, ${phase.subsets} with losses`,
    ),
    ...faults.map(({ entry, way, what }) => `FAULT at entry ${entry} (${way}): ${what}`),
  ];
  return {
    ...{ prefixes, phases, faults, withoutState },
    faultCount: fast.faultCount + story.length,
    report: lines.join('\n'),
  };
}

function describeData(checks: readonly DataCheck[], candidates: number): string {
  const count = (is: (check: DataCheck) => boolean) => checks.filter(is).length;
  const lossy = count(({ lost }) => lost !== '');
  const superblock = count(({ facts }) => facts.repaired === 'superblock');
  return (
    `${checks.length - lossy - 1} of ${candidates} prefixes that wrote to it, ${lossy} with losses; ` +
    `a torn superblock in ${superblock}`
  );
}
