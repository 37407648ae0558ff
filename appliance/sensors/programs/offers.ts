import { isIPv6 } from 'node:net';
import { RELEASE_VERSION, type SensorPlatform } from '../client/update/release.ts';
import type { SensorOffer } from '../grpc/server.ts';
import type { Sensor } from '../registry/sensor.ts';
import { OFFER_TURN_MS, OFFERS_AT_ONCE } from './limits.ts';
import type { SensorProgram, SensorPrograms } from './program-folder.ts';
import { programPath } from './program-routes.ts';

/** The program that a sensor should run and does not; null where it runs it, or is none of those that update themselves. Pure. */
export function newerProgram(sensor: Sensor, programs: readonly SensorProgram[]): SensorProgram | null {
  const { way, revoked_at, agent_version, os_version } = sensor;
  if (way !== 'grpc' || revoked_at !== null || !RELEASE_VERSION.test(agent_version)) return null;
  const platform = platformOf(os_version);
  // The newest of each platform is the first of it.
  const newest = programs.find((program) => program.platform === platform);
  return newest !== undefined && Bun.semver.order(newest.version, agent_version) > 0 ? newest : null;
}

/** A sensor says in words what it runs on; one that is offered another platform's program refuses it by the signature. */
function platformOf(os_version: string): SensorPlatform | null {
  if (/windows/i.test(os_version)) return 'windows-x64';
  return /darwin|mac ?os/i.test(os_version) ? null : 'linux-x64';
}

export interface OfferParts {
  programs: SensorPrograms;
  /** Where programs are fetched. */
  port: number;
  now_ms: () => number;
}

/** What each heartbeat of a sensor is answered: at most OFFERS_AT_ONCE sensors are offered something at a time. */
export function createOffers({ programs, port, now_ms }: OfferParts) {
  /** Since when a sensor has its turn. */
  const turns = new Map<string, number>();
  const hasTurn = (id: string): boolean => {
    const now = now_ms();
    for (const [other, since_ms] of turns) if (now - since_ms >= OFFER_TURN_MS) turns.delete(other);
    if (!turns.has(id) && turns.size >= OFFERS_AT_ONCE) return false;
    if (!turns.has(id)) turns.set(id, now);
    return true;
  };
  /** @param reached_at the address of this machine that the sensor has come to, and by which it finds the program, too */
  return (sensor: Sensor, reached_at: string | null): SensorOffer | null => {
    const program = newerProgram(sensor, programs.list());
    if (program === null) turns.delete(sensor.id);
    const host = reached_at === null ? null : hostInUrl(reached_at);
    if (program === null || host === null || !hasTurn(sensor.id)) return null;
    const { version, sha256 } = program;
    return { version, sha256, url: `http://${host}:${port}${programPath(program)}` };
  };
}

/** null: an address of one link, which no URL can name (RFC 6874 was taken back by RFC 9844). */
function hostInUrl(address: string): string | null {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(plain)) return plain;
  return /^fe[89ab]|%/i.test(plain) ? null : `[${plain}]`;
}
