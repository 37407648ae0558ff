import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { formatDuration } from '../../../../base/text.ts';
import type { SensorStatus } from '../sdk/sensor.ts';
import { STATUS_FRESH_MS, STATUS_INTERVAL_MS } from './limits.ts';

/** The state of a sensor that runs, for people who ask on the machine. Nothing secret is in it. */
export interface StatusFile extends SensorStatus {
  version: string;
  written_ms: number;
}

/** Writes states as they come, at most one in a while, the last one always. */
export class StatusWriter {
  readonly #path: string;
  #waiting: StatusFile | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  put(status: StatusFile): void {
    this.#waiting = status;
    this.#timer ??= setTimeout(() => this.flush(), STATUS_INTERVAL_MS);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting === null) return;
    try {
      writeFileAtomic(this.#path, `${JSON.stringify(this.#waiting, null, 1)}\n`);
    } catch {
      // A full disk is found and told by a check; the sensor does not stop for its own mirror.
    }
    this.#waiting = null;
  }
}

/** What the sensor wrote last; null where none ever ran. */
export function readStatusFile(path: string): StatusFile | null {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StatusFile) : null;
}

/** As a person reads it. Pure. */
export function presentStatus(status: StatusFile | null, now_ms: number): string {
  if (status === null) return 'this sensor never ran: bulkhead-sensor run';
  const age_ms = now_ms - status.written_ms;
  const { link, lost, checks } = status;
  const ago = (at_ms: number) => `${formatDuration((now_ms - at_ms) / 1000)} ago`;
  const words = [
    `version      ${status.version}`,
    `identity     ${status.agent_id === null ? 'not let in yet' : `${status.agent_id} (${status.tier})`}`,
    `appliance    ${link.state}${'why' in link ? `: ${link.why}` : ''}`,
    `last heard   ${status.last_heard_ms === null ? 'never' : ago(status.last_heard_ms)}`,
    `waiting      ${status.waiting} events`,
    ...(lost.failed + lost.passed + lost.refused > 0
      ? [`lost         ${lost.failed} failed, ${lost.passed} passed, ${lost.refused} refused`]
      : []),
    ...(status.memory_only === null ? [] : [`in memory    ${status.memory_only}`]),
    '',
    ...Object.entries(checks).map(
      ([name, { passed, actual, flapping }]) =>
        `${passed ? '  ok    ' : '  FAILED'} ${name.padEnd(12)} ${flapping ? 'flapping; ' : ''}${actual}`,
    ),
  ];
  const old =
    age_ms > STATUS_FRESH_MS
      ? [`This state is ${formatDuration(age_ms / 1000)} old: the sensor does not run.`, '']
      : [];
  return [...old, ...words].join('\n');
}
