import { existsSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';
import type { Status } from '../../status-page/status.ts';
import { BUS_TIMEOUT_MS } from './limits.ts';

export type TimeFacts = Status['time'];

/** What systemd-timesyncd says about its last exchange. */
export interface TimeServer {
  server: string | null;
  /** Server's clock minus ours at the last exchange, in milliseconds. */
  offset_ms: number | null;
}

/** The time zone's name; localtime(5): no /etc/localtime means UTC. */
export function readZone(etc: string): string {
  let link = `${etc}/localtime`;
  try {
    // The image's link points into /run, where the set-up of the boot points it at the zone.
    for (let hop = 0; hop < 3; hop++) {
      const target = readlinkSync(link);
      const zone = target.split('/zoneinfo/')[1];
      if (zone) return zone;
      link = resolve(dirname(link), target);
    }
  } catch {
    // No link, or one that leads nowhere: the C library then takes UTC, and so do we.
  }
  return 'UTC';
}

/**
 * Whether systemd-timesyncd has synchronised this boot: it touches the file when it has (systemd-timesyncd.service(8)).
 * Null when timesyncd has not run, because then nobody knows.
 */
export function readSynchronised(run: string): boolean | null {
  if (existsSync(`${run}/systemd/timesync/synchronized`)) return true;
  return existsSync(`${run}/systemd/timesync`) ? false : null;
}

const TIMESYNC_BUS = [
  'org.freedesktop.timesync1',
  '/org/freedesktop/timesync1',
  'org.freedesktop.timesync1.Manager',
];

/**
 * Server and offset from systemd-timesyncd over D-Bus. One process that ends after 10 ms: asked rarely, timesyncd itself
 * asks its server every 32 s at most. `--auto-start=no`, because looking must not start a service that was stopped.
 *
 * @throws BulkheadError COMMAND_FAILED when timesyncd is not on the bus
 */
export async function askTimeServer(run: Run): Promise<TimeServer> {
  const text = await runOrThrow(
    run,
    'busctl',
    ['--json=short', '--auto-start=no', 'get-property', ...TIMESYNC_BUS, 'ServerName', 'NTPMessage'],
    { timeout_ms: BUS_TIMEOUT_MS },
  );
  return parseTimeServer(text);
}

/**
 * Two lines of JSON: the server's name, and NTPMessage of signature `(uuuuittayttttbtt)` (org.freedesktop.timesync1(5)):
 * fields 8 to 11 are origin, receive, transmit and destination time in microseconds. The offset is that of RFC 5905,
 * section 8: ((receive - origin) + (transmit - destination)) / 2. All of it is null before the first answer.
 */
export function parseTimeServer(text: string): TimeServer {
  const [nameLine, messageLine] = text.trim().split('\n');
  const name = dataOf(nameLine);
  const message = dataOf(messageLine);
  const times = Array.isArray(message) ? message.slice(8, 12) : [];
  const [origin, receive, transmit, destination] = times.map(Number);
  let offset_ms: number | null = null;
  if (origin && receive && transmit && destination) {
    offset_ms = Math.round((receive - origin + (transmit - destination)) / 2) / 1000;
  }
  return { server: typeof name === 'string' && name !== '' ? name : null, offset_ms };
}

function dataOf(line: string | undefined): unknown {
  try {
    const parsed: unknown = JSON.parse(line ?? '');
    return typeof parsed === 'object' && parsed !== null && 'data' in parsed ? parsed.data : null;
  } catch {
    return null;
  }
}
