/** Tables of projects and builds; see tables.ts for what holds for all. */
export interface BuildTables {
  projects: ProjectRow;
  webhook_events: WebhookEventRow;
  jobs: JobRow;
  job_logs: JobLogRow;
}

/** A repository whose pushes are built. */
export interface ProjectRow {
  id: string;
  name: string;
  service: 'github' | 'gitlab' | 'gitea';
  /** Where workers fetch it; never what a webhook says. */
  repository: string;
  /** JSON: list of BuildRule. */
  rules: string;
  timeout_s: number;
  /** What its webhook signs with, or carries. It has to be used, so it is kept as it is. */
  secret: string;
  created_ms: number;
  created_by: string;
}

/** One delivery of a webhook, taken once. */
export interface WebhookEventRow {
  id: string;
  project_id: string;
  /** As the service names it. */
  delivery: string;
  /** As the service names it: `push`, `Tag Push Hook`. */
  event: string;
  ref: string | null;
  commit_sha: string | null;
  outcome: 'queued' | 'ignored';
  /** Why it was ignored. */
  reason: string | null;
  job_id: string | null;
  received_ms: number;
}

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** One build. What the project said when it was made is kept with it. */
export interface JobRow {
  id: string;
  project_id: string;
  project: string;
  repository: string;
  ref: string;
  commit_sha: string;
  channel: string;
  command: string;
  timeout_s: number;
  state: JobState;
  /** How often it was begun. */
  attempt: number;
  worker: string | null;
  lease_until_ms: number | null;
  created_ms: number;
  created_by: string;
  started_ms: number | null;
  ended_ms: number | null;
  code: string | null;
  message: string | null;
  release_id: string | null;
}

export interface JobLogRow {
  job_id: string;
  attempt: number;
  /** Of its first character in the whole log. */
  position: number;
  text: string;
  received_ms: number;
}
