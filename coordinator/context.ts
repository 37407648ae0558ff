import type { Logger } from '@logtape/logtape';
import type { KeySigner } from '../updater/signing/key-file.ts';
import type { ArtifactStore } from './artifacts/store.ts';
import type { OpenDatabase } from './database/open.ts';
import type { Database } from './database/tables.ts';
import type { DoWork } from './database/unit-of-work.ts';
import type { LiveHub } from './live/hub.ts';
import type { Turnstile } from './people/turnstile.ts';
import type { Metrics } from './server/metrics.ts';

/** What an operator sets when the coordinator starts. */
export interface Settings {
  /** Seconds between heartbeats, before jitter. */
  heartbeat_interval_s: number;
  /** Agents below are answered 202; null: none is too old. */
  agent_min_version: string | null;
  /** Host and port that requests of appliances may be for, lower case. */
  authorities: ReadonlySet<string>;
  /** Addresses of reverse proxies whose X-Forwarded-For is believed. */
  trusted_proxies: ReadonlySet<string>;
}

/** Everything the parts of a running coordinator share; handed in, so that a test can hand in another clock. */
export interface Coordinator {
  /** For looking. */
  database: Database;
  /** For long looks at one state of everything; see OpenDatabase. */
  snapshots: Database;
  /** For changing: a piece happens whole or not at all. */
  doWork: DoWork;
  backend: OpenDatabase['backend'];
  settings: Settings;
  /** Milliseconds since 1970. */
  now_ms(): number;
  random(size_bytes: number): Uint8Array;
  log: Logger;
  metrics: Metrics;
  /** Passwords are checked one at a time. */
  signIns: Turnstile;
  /** Signs orders. */
  orderKey: KeySigner;
  /** Files of releases. */
  artifacts: ArtifactStore;
  /** Tells open pages what is new. */
  live: LiveHub;
}

/** A new id; rises with time, so that lists by id are lists by time. */
export function newId(coordinator: Pick<Coordinator, 'now_ms'>): string {
  return Bun.randomUUIDv7('hex', coordinator.now_ms());
}
