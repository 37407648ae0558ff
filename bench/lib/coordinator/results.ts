import type { HostFacts } from '../host-facts.ts';
import type { PlanningFigures } from './planning.ts';

/** bench/results/coordinator.json. */
export interface CoordinatorResults {
  host: HostFacts;
  quick: boolean;
  ceilings: Ceilings;
  sqlite: SizeResult[];
  /** Null: it was left out. */
  postgres: { version: string; size: SizeResult } | null;
  enrolment: LoadFigures;
}

/** What one core of this computer can do at most, per second of processor time. */
export interface Ceilings {
  /** Ed25519 signatures of one known key, checked as the coordinator checks them. */
  ed25519_per_s: number;
  /** Signatures with a session key, derived and checked as the coordinator does. */
  session_per_s: number;
  /** Requests that Elysia answers without doing anything. */
  empty: LoadFigures;
}

/** Of one load. */
export interface LoadFigures {
  answered: number;
  /** Answers other than 200. */
  refused: number;
  /** Per second of the clock, with the sender on the same computer. */
  per_s: number;
  /** Per second of processor time of the server. */
  per_core_s: number;
  median_ms: number;
  p99_ms: number;
}

/** With a fleet of one size. */
export interface SizeResult {
  appliances: number;
  senders: number;
  /** Signed by the device's key. */
  device: LoadFigures;
  session: LoadFigures;
  /** One after the other, nobody else there. */
  alone: LoadFigures;
  pages: { name: string; median_ms: number; p99_ms: number; samples: number }[];
  /** Of the server's process: after the start, and when everyone was heard. */
  memory_start_bytes: number;
  memory_heard_bytes: number;
  look: LookFigures | null;
  planning: PlanningFigures | null;
}

/** A rollout over the whole fleet, looked at by the coordinator: database and planner. Milliseconds of the clock. */
export interface LookFigures {
  /** Cohort taken, first stage opened, everything written. */
  first_ms: number;
  /** Nothing is new, which a few rows tell. */
  quiet_ms: number;
  /** Nothing is new, but the fleet is read and planned. */
  full_ms: number;
  /** Longest time in which nobody else had a turn, while the fleet was read and planned. */
  full_blocked_ms: number;
}
