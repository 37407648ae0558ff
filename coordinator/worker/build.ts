import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import type { Api } from '../client/api.ts';
import { publishRelease } from '../client/publish.ts';
import { uploadFile } from '../client/upload.ts';
import type { JobRow } from '../database/build-tables.ts';
import { runCommand } from './run-command.ts';

/** What a worker is told of a job. */
export type WorkerJob = Pick<
  JobRow,
  'id' | 'attempt' | 'project' | 'repository' | 'ref' | 'commit_sha' | 'channel' | 'command' | 'timeout_s'
>;

export interface BuildPlace {
  /** Empty; what is in it afterwards is nobody's any more. */
  folder: string;
  /** What the command sees beside what it is told of the job. */
  environment: Readonly<Record<string, string>>;
  stop: AbortSignal;
  onText: (text: string) => void;
}

/** The commit alone where the server gives it, else the ref with its history. Texts come by the environment, never into the script. */
const CHECKOUT = `set -e
git init -q .
git fetch -q --depth 1 -- "$BULKHEAD_REPOSITORY" "$BULKHEAD_COMMIT" 2>/dev/null ||
  git fetch -q -- "$BULKHEAD_REPOSITORY" "$BULKHEAD_REF"
git -c advice.detachedHead=false checkout -q "$BULKHEAD_COMMIT" --`;

/**
 * Fetches the commit into a fresh folder and runs the command of the project there.
 *
 * @returns the bundle that it has made
 * @throws BulkheadError BUILD_CHECKOUT, BUILD_FAILED, BUILD_TIMEOUT, BUILD_STOPPED, BUILD_NO_BUNDLE
 */
export async function buildBundle(job: WorkerJob, place: BuildPlace): Promise<string> {
  const { folder, stop, onText } = place;
  const [source, output] = [join(folder, 'source'), join(folder, 'output')];
  for (const path of [source, output]) mkdirSync(path);
  const environment = {
    ...place.environment,
    ...{ BULKHEAD_REPOSITORY: job.repository, BULKHEAD_REF: job.ref, BULKHEAD_COMMIT: job.commit_sha },
    ...{ BULKHEAD_CHANNEL: job.channel, BULKHEAD_JOB: job.id, BULKHEAD_OUTPUT: output },
    // Nobody is there to answer.
    GIT_TERMINAL_PROMPT: '0',
  };
  const deadline_ms = performance.now() + job.timeout_s * 1000;
  const run = async (command: string, code: 'BUILD_CHECKOUT' | 'BUILD_FAILED', what: string) => {
    const timeout_ms = Math.max(0, deadline_ms - performance.now());
    const end = await runCommand(command, { folder: source, environment, timeout_ms, stop, onText });
    if (end.how === 'stopped') throw new BulkheadError('BUILD_STOPPED', 'the build was stopped');
    if (end.how === 'timeout')
      throw new BulkheadError('BUILD_TIMEOUT', `${what} was still running after ${job.timeout_s} s`);
    if (end.code !== 0) throw new BulkheadError(code, `${what} ended with ${end.code ?? 'a signal'}`);
  };
  onText(`fetching ${job.commit_sha} (${job.ref}) of ${job.repository}\n`);
  await run(CHECKOUT, 'BUILD_CHECKOUT', 'fetching the commit');
  onText(`running ${job.command}\n`);
  await run(job.command, 'BUILD_FAILED', 'the command');
  const bundles = readdirSync(output).filter((name) => name.endsWith('.bundle'));
  const [bundle] = bundles;
  if (bundle === undefined || bundles.length > 1)
    throw new BulkheadError(
      'BUILD_NO_BUNDLE',
      `the command left ${bundles.length} bundles, and one is needed`,
      {
        hint: 'it has to put NAME.bundle into the folder that BULKHEAD_OUTPUT names',
      },
    );
  return join(output, bundle);
}

/**
 * Makes a release of the bundle. One that is there already with the same bytes is the same release: the worker before was lost at the end.
 *
 * @returns id and version of the release
 * @throws BulkheadError what the coordinator refuses it for
 */
export async function registerRelease(
  api: Api,
  job: WorkerJob,
  bundle: string,
): Promise<{ id: string; version: string }> {
  const notes = `${job.project} at ${job.commit_sha} (${job.ref})`;
  try {
    const facts = { channel: job.channel, notes, floors: [] };
    return (await publishRelease(api, bundle, facts)) as { id: string; version: string };
  } catch (error) {
    if (!(error instanceof BulkheadError) || error.code !== 'RELEASE_EXISTS') throw error;
    const sha256 = await uploadFile(api, bundle);
    const { releases } = (await api.call('GET', '/api/v1/releases')) as {
      releases: { id: string; version: string; bundle_sha256: string }[];
    };
    const same = releases.find(({ bundle_sha256 }) => bundle_sha256 === sha256);
    if (!same) throw error;
    return same;
  }
}
