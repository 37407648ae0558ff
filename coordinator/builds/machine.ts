import type { JobRow, JobState } from '../database/build-tables.ts';
import { JOB_ATTEMPTS_MAX, JOB_LEASE_MS } from './limits.ts';

/**
 * What becomes of a job, as plain decisions:
 *
 *   queued ──claimed──▶ running ──ended by its worker──▶ succeeded, failed
 *     ▲  │                │ │
 *     │  └──cancelled─────┘ │ not heard of within its lease
 *     └─────────────────────┘ while attempts are left, else failed
 */
export type JobChange = Partial<
  Pick<
    JobRow,
    | 'state'
    | 'attempt'
    | 'worker'
    | 'lease_until_ms'
    | 'started_ms'
    | 'ended_ms'
    | 'code'
    | 'message'
    | 'release_id'
  >
> & { state: JobState };

export const OPEN_JOB_STATES: readonly JobState[] = ['queued', 'running'];
export const JOB_STATES: readonly JobState[] = [...OPEN_JOB_STATES, 'succeeded', 'failed', 'cancelled'];

const NOBODY = { worker: null, lease_until_ms: null } as const;

export function afterClaim(job: JobRow, worker: string, now_ms: number): JobChange {
  return {
    ...{ state: 'running', attempt: job.attempt + 1, worker, lease_until_ms: now_ms + JOB_LEASE_MS },
    started_ms: now_ms,
  };
}

/** What its worker says of it at the end. */
export interface JobEnd {
  state: 'succeeded' | 'failed';
  code?: string | undefined;
  message?: string | undefined;
  release_id?: string | undefined;
}

export function afterEnd({ state, code, message, release_id }: JobEnd, now_ms: number): JobChange {
  return {
    ...{ ...NOBODY, state, ended_ms: now_ms, code: code ?? null, message: message ?? null },
    release_id: release_id ?? null,
  };
}

/** What the time alone makes of it; null: nothing. */
export function afterSilence(job: JobRow, now_ms: number): JobChange | null {
  if (job.state !== 'running' || (job.lease_until_ms ?? 0) > now_ms) return null;
  if (job.attempt < JOB_ATTEMPTS_MAX) return { ...NOBODY, state: 'queued', started_ms: null };
  const message = `${JOB_ATTEMPTS_MAX} workers began it and were not heard of again`;
  return { ...NOBODY, state: 'failed', ended_ms: now_ms, code: 'JOB_LOST', message };
}

/** Null: it is over already. */
export function afterCancelJob(job: JobRow, now_ms: number): JobChange | null {
  return OPEN_JOB_STATES.includes(job.state) ? { ...NOBODY, state: 'cancelled', ended_ms: now_ms } : null;
}
