import type { Tone } from './assets.ts';
import { CLOCK_OFFSET_HIGH_MS, TEMPERATURE_HIGH_C, USE_HIGH_RATIO } from './limits.ts';
import { secretNotices } from './secrets-section.ts';
import { COORDINATOR_STAGES, type CoordinatorStatus, type Status } from './status.ts';

/** The one thing to be seen from across the room. */
export interface Headline {
  tone: Tone;
  word: string;
  reason: string;
}

/** The verdict on this boot in a word and a sentence. An older boot's verdict never speaks for this one. */
export function headline({ boot, health }: Status): Headline {
  const ours = health.verdicts.find((verdict) => verdict.bootId === boot.bootId);
  if (boot.mode === 'live') {
    return {
      tone: 'wait',
      word: 'Installer',
      reason: 'This is the installation medium; nothing is judged here.',
    };
  }
  if (boot.mode === 'rescue') {
    return {
      tone: 'bad',
      word: 'Rescue',
      reason: ours?.reason ?? 'No slot could be started normally. The appliance runs, but needs help.',
    };
  }
  if (health.outcome === 'healthy') {
    return { tone: 'good', word: 'Healthy', reason: ours?.reason ?? 'The health gate passed this boot.' };
  }
  if (health.outcome === 'unhealthy') {
    return { tone: 'bad', word: 'Unhealthy', reason: ours?.reason ?? 'The health gate refused this boot.' };
  }
  return { tone: 'wait', word: 'Checking', reason: 'The health gate has not judged this boot yet.' };
}

/** Facts a person should look at although they are not the verdict, most pressing first. */
export function notices(status: Status): string[] {
  const secrets = secretNotices(status.secrets, new Date(status.time.now));
  return [...bootNotices(status), ...protectionNotices(status), ...secrets, ...resourceNotices(status)];
}

function bootNotices({ boot, setup, slots, update, version, services }: Status): string[] {
  const found: string[] = [...setup.problems];
  const bad = slots.filter((slot) => slot.state === 'bad').map((slot) => slot.slot);
  if (boot.contradiction !== null)
    found.push(`It is not certain which slot is running: ${boot.contradiction}`);
  if (boot.stateFile !== 'ok') found.push(`The boot state is ${boot.stateFile}; the health gate repairs it.`);
  if (bad.length > 0) found.push(`Slot ${bad.join(' and ')} failed and is not chosen any more.`);
  const [last] = update.history;
  if (last && last.outcome !== 'succeeded') {
    const which = last.version === null ? 'The last update' : `The update to ${last.version}`;
    found.push(`${which} ${last.outcome === 'failed' ? 'failed' : 'was rolled back'}: ${last.reason}`);
  }
  if (boot.mode === 'trial') {
    found.push('A new version is on trial. It is kept only if the health gate passes it.');
  }
  if (version.program !== version.running) {
    found.push(`The program is version ${version.program}, but its image is ${version.running}.`);
  }
  for (const each of services) {
    if (each.state === 'failed') found.push(`Service failed: ${each.description || each.unit}.`);
  }
  return found;
}

function protectionNotices({ firewall, time, system }: Status): string[] {
  const found: string[] = [];
  if (!firewall.loaded)
    found.push('The firewall is not loaded: nothing filters traffic to and from this appliance.');
  if (!system.watchdog.present)
    found.push('No hardware watchdog guards this appliance: after a hang it waits for a person.');
  if (time.synchronised === false) found.push('The clock does not follow a time server.');
  if (time.offset_ms !== null && Math.abs(time.offset_ms) > CLOCK_OFFSET_HIGH_MS) {
    found.push(`The clock is ${(time.offset_ms / 1000).toFixed(1)} s away from its time server.`);
  }
  return found;
}

function resourceNotices({ system, network, coordinator }: Status): string[] {
  const found: string[] = [];
  const memory = ratio(system.memory.used_bytes, system.memory.total_bytes);
  const disk = ratio(system.dataDisk.used_bytes, system.dataDisk.total_bytes);
  if (system.dataDisk.readOnly === true) found.push('The data partition cannot be written.');
  if (disk !== null && disk >= USE_HIGH_RATIO) found.push(`The data partition is ${percent(disk)} full.`);
  if (memory !== null && memory >= USE_HIGH_RATIO) found.push(`${percent(memory)} of the memory is in use.`);
  if (system.temperature_c !== null && system.temperature_c >= TEMPERATURE_HIGH_C) {
    found.push(`The processor is at ${Math.round(system.temperature_c)} °C.`);
  }
  if (!network.interfaces.some((each) => each.carrier)) found.push('No network cable is connected.');
  return [...found, ...coordinatorNotices(coordinator)];
}

function coordinatorNotices({ configured, reachable, failingStage, link }: CoordinatorStatus): string[] {
  const found: string[] = [];
  if (!configured) return found;
  if (failingStage === 'auth') found.push('The coordinator turns this appliance away.');
  else if (reachable === false)
    found.push(`The coordinator cannot be reached${failingStage ? `: ${failingStage} fails` : ''}.`);
  if (link?.state === 'pending') found.push(`An operator has to approve this appliance: code ${link.code}.`);
  if (link?.agent === 'outdated') found.push('The coordinator wants a newer agent.');
  if (link && link.waiting.memoryOnly !== null && link.state !== 'unable')
    found.push('What waits for the coordinator is kept in memory only.');
  return found;
}

/** Used parts of a whole from 0 to 1; null when either is unknown or there is no whole. */
export function ratio(used: number | null, total: number | null): number | null {
  if (used === null || total === null || total <= 0) return null;
  return Math.min(1, Math.max(0, used / total));
}

export function percent(part: number): string {
  return `${Math.round(part * 100)}\u00a0%`;
}

export interface StageView {
  stage: (typeof COORDINATOR_STAGES)[number];
  outcome: 'passed' | 'failed' | 'unknown';
}

/** The way to the coordinator, step by step: everything before the failing stage worked, nothing after it was tried. */
export function stages({ reachable, failingStage, link }: CoordinatorStatus): StageView[] {
  const failing = failingStage === null ? -1 : COORDINATOR_STAGES.indexOf(failingStage);
  return COORDINATOR_STAGES.map((stage, index) => {
    if (failing >= 0)
      return { stage, outcome: index < failing ? 'passed' : index === failing ? 'failed' : 'unknown' };
    // Reaching it does not say that it knows us.
    const known = stage !== 'auth' || link?.state === 'connected';
    return { stage, outcome: reachable === true && known ? 'passed' : 'unknown' };
  });
}
