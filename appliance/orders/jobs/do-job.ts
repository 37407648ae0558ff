import { BulkheadError } from '../../../base/errors.ts';
import { runOrThrow } from '../../../base/run.ts';
import type { FingerprintSource, Outbox } from '../../link/interfaces.ts';
import { type BookEntry, isSiteJob, type JobType } from '../entry.ts';
import { QUESTION_TIMEOUT_MS } from '../limits.ts';
import type { JobReport, OrderKeys } from '../runner.ts';
import { QUESTIONS, type QuestionTools } from './questions.ts';
import { doSiteJob, type SiteJobTools } from './site-jobs.ts';

export interface JobTools extends QuestionTools, SiteJobTools {
  fingerprint: Pick<FingerprintSource, 'current'>;
  uptime_s: () => number;
}

/** Orders that look at the machine, or ask the service of the site. @throws BulkheadError with what stands in the way */
export async function doJob(
  entry: BookEntry,
  type: JobType,
  outbox: Outbox,
  tools: JobTools,
  order_keys: OrderKeys,
): Promise<JobReport> {
  const { parameters } = entry;
  if (isSiteJob(type)) return doSiteJob(entry, type, tools, order_keys);
  switch (type) {
    case 'force_checkin':
      return checkIn(outbox, tools);
    case 'view_logs':
      return viewLogs(parameters as unknown as LogParameters, tools);
    case 'diagnostic':
      return answer(parameters as unknown as QuestionParameters, tools);
  }
}

/** The report stands in the outbox before the result: whoever has the result has the report. */
async function checkIn(outbox: Outbox, { fingerprint, now, uptime_s }: JobTools): Promise<JobReport> {
  const report = {
    ...{ reason: 'state_delta' as const, observed_at_ms: now().getTime(), uptime_s: uptime_s() },
    fingerprint: await fingerprint.current(),
  };
  outbox.put({ kind: 'state', report });
  return { facts: { reported: true } };
}

interface LogParameters {
  unit?: string;
  since_s: number;
  lines_max: number;
}

async function viewLogs({ unit, since_s, lines_max }: LogParameters, { run }: JobTools): Promise<JobReport> {
  const args = [
    '--no-pager',
    '--quiet',
    '--utc',
    '--output=short-iso',
    `--since=-${since_s}s`,
    `--lines=${lines_max}`,
  ];
  if (unit !== undefined) args.push(`--unit=${unit}`);
  const log = await runOrThrow(run, 'journalctl', args, { timeout_ms: QUESTION_TIMEOUT_MS });
  return { facts: { lines: countLines(log) }, log };
}

interface QuestionParameters {
  command: string;
  argument?: string;
}

async function answer({ command, argument }: QuestionParameters, tools: JobTools): Promise<JobReport> {
  const question = Object.hasOwn(QUESTIONS, command) ? QUESTIONS[command] : undefined;
  if (!question) throw new BulkheadError('ORDER_QUESTION_UNKNOWN', `there is no question '${command}'`);
  const log = await question(tools, argument);
  return { facts: { command, lines: countLines(log) }, log };
}

function countLines(text: string): number {
  return text === '' ? 0 : text.trimEnd().split('\n').length;
}
