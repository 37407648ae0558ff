import type { Appliance } from './appliance.ts';
import { matchesQuery } from './cohort/match-query.ts';
import type { RolloutDefinition } from './definition.ts';
import { describeInstant } from './instant.ts';
import type { Member, SkipCode } from './plan.ts';
import type { Scene, WindowClock } from './scene.ts';
import { compareVersions, nextHop, type Version } from './version.ts';

/** Why an appliance gets no order. */
export interface Obstacle {
  code: SkipCode;
  words: string;
}

/**
 * What keeps an appliance out of the rollout as long as nothing about it changes. It takes no seat in a stage, and counts neither as
 * success nor as failure: a stage of fifty is fifty that try.
 */
export function excuseOf(member: Member, appliance: Appliance, { definition }: Scene): Obstacle | undefined {
  const { version, hardware, policy, committed, rejected } = appliance;
  const goal = definition.version;
  if (version === goal && committed) {
    return { code: 'already_current', words: 'runs the release already' };
  }
  if (policy.kind === 'pinned' && policy.version !== goal) {
    return { code: 'pinned', words: `is pinned to ${policy.version}` };
  }
  if (definition.origin === 'auto_latest' && !follows(appliance, definition.channel)) {
    return { code: 'asks_first', words: `does not follow the channel ${definition.channel} by itself` };
  }
  if (definition.joining === 'open' && hasLeft(member, appliance, definition)) {
    return { code: 'left_cohort', words: 'is no longer one of those that were meant' };
  }
  if (hardware === null || !definition.compatible.includes(hardware)) {
    return {
      code: 'wrong_hardware',
      words: `the release is not made for ${hardware ?? 'unlisted hardware'}`,
    };
  }
  if (version === null) return undefined;
  if (compareVersions(version, goal) > 0 && !definition.allow_downgrade) {
    return { code: 'ahead', words: `runs ${version}, which is newer` };
  }
  const stop = rejected.length > 0 && !member.retry && firstRejected(version, appliance, definition);
  return stop ? { code: 'rejected_before', words: `tried ${stop} before and gave it up` } : undefined;
}

/** Whether this rollout has to remember anything about it. */
export function hasPast({ unheard, retry, step }: Member): boolean {
  return unheard > 0 || retry !== null || step !== null;
}

/** Whether it has ceased to be one of those that are meant, and has to be remembered all the same. Who is on its way goes on. */
function hasLeft(member: Member, appliance: Appliance, { cohort }: RolloutDefinition): boolean {
  return hasPast(member) && member.step === null && !matchesQuery(cohort, appliance);
}

/** Somewhere on the way: nobody is brought to a floor from which it can't go on. */
function firstRejected(
  version: Version,
  { rejected }: Appliance,
  { version: goal, floors }: RolloutDefinition,
): Version | undefined {
  let at = version;
  while (at !== goal) {
    at = nextHop(at, goal, floors);
    if (rejected.includes(at)) return at;
  }
  return undefined;
}

/** What keeps an appliance from getting an order right now. */
export function obstacleOf(
  appliance: Appliance,
  { definition }: Scene,
  windows: WindowClock,
): Obstacle | undefined {
  const { presence, version, committed, free, window } = appliance;
  if (presence === 'offline') return { code: 'offline', words: lastHeard(appliance) };
  if (presence === 'stale') return { code: 'stale', words: `missed heartbeats, ${lastHeard(appliance)}` };
  if (version === null) return { code: 'version_unknown', words: 'has not said what it runs' };
  if (!committed) return { code: 'on_trial', words: `${version} is still on trial` };
  if (!free) return { code: 'busy', words: 'has other work that must end first' };
  if (!windows.isOpen(definition.window)) {
    return { code: 'window_closed', words: 'outside the window of the rollout' };
  }
  if (!windows.isOpen(window)) return { code: 'window_closed', words: 'outside its own window' };
  return undefined;
}

/** The window of the rollout and its own. */
export function isWindowOpen(appliance: Appliance, { definition }: Scene, windows: WindowClock): boolean {
  return windows.isOpen(definition.window) && windows.isOpen(appliance.window);
}

/** Whether it can be expected to take an order before long. */
export function isReachable({ presence, version }: Appliance): boolean {
  return presence !== 'offline' && version !== null;
}

function follows({ policy }: Appliance, channel: string): boolean {
  return policy.kind === 'auto_latest' && policy.channel === channel;
}

function lastHeard({ last_heard_ms }: Appliance): string {
  return last_heard_ms === null ? 'never heard of' : `last heard of ${describeInstant(last_heard_ms)}`;
}
