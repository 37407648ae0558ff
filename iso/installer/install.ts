import { describeJob } from './describe-job.ts';
import type { InstallEffects } from './effects.ts';
import { executeInstall, StepFailure } from './execute.ts';
import { describeFailure } from './failure.ts';
import type { InstallJob } from './job.ts';
import { type InstallRequest, prepareInstall } from './prepare.ts';

export interface InstallOptions {
  /** Decide and describe, write nothing. */
  dryRun: boolean;
  /** What happens after a success, in words, for the last screen. */
  next: string;
}

/**
 * The installer: decide, show, carry out. Every failure is told as a `failed` event before it is thrown, so that whatever shows
 * events shows the reason.
 *
 * @returns the job that was (or, with `dryRun`, would be) carried out
 * @throws what prepareInstall throws, or the error underneath a StepFailure
 */
export async function install(
  request: InstallRequest,
  effects: InstallEffects,
  options: InstallOptions,
): Promise<InstallJob> {
  const start_ms = effects.clock_ms();
  try {
    effects.emit({ event: 'step', step: 'look', state: 'started' });
    const job = await prepareInstall(request, effects);
    effects.emit({ event: 'note', text: describeJob(job) });
    effects.emit({ event: 'step', step: 'look', state: 'done' });
    if (options.dryRun) return job;
    effects.emit({
      event: 'chosen',
      version: job.source.manifest.version,
      machine: job.machine,
      target: job.target,
    });
    await executeInstall(job, effects);
    effects.emit({
      event: 'finished',
      version: job.source.manifest.version,
      target: job.path,
      seconds: Math.round((effects.clock_ms() - start_ms) / 1000),
      next: options.next,
    });
    return job;
  } catch (error) {
    const [step, cause] = error instanceof StepFailure ? [error.step, error.cause] : ['look' as const, error];
    effects.emit(describeFailure(step, cause));
    throw cause;
  }
}
