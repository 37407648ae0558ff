import { compareVersions, type Version } from './version.ts';

/** Who decides what an appliance runs. */
export type Policy =
  /** An operator, by rollouts. */
  | { kind: 'manual' }
  /** The newest release of a channel; operators' rollouts reach it too. */
  | { kind: 'auto_latest'; channel: string }
  /** This version, whatever is rolled out. */
  | { kind: 'pinned'; version: Version };

/** A release as far as deciding who gets it goes. */
export interface Release {
  version: Version;
  channel: string;
  /** Taken back: nobody is brought to it any more. */
  withdrawn: boolean;
}

/** The release of the highest precedence in a channel; of two that are equal the one that is listed later. */
export function latestRelease(releases: readonly Release[], channel: string): Version | undefined {
  let latest: Version | undefined;
  for (const release of releases) {
    if (release.withdrawn || release.channel !== channel) continue;
    if (latest === undefined || compareVersions(release.version, latest) >= 0) latest = release.version;
  }
  return latest;
}

/**
 * What an appliance should run.
 *
 * @param assigned the goal of the last rollout that reached it; null: none did
 * @returns null where nobody has decided
 */
export function desiredVersion(
  policy: Policy,
  assigned: Version | null,
  releases: readonly Release[],
): Version | null {
  switch (policy.kind) {
    case 'pinned':
      return policy.version;
    case 'auto_latest':
      return latestRelease(releases, policy.channel) ?? assigned;
    case 'manual':
      return assigned;
  }
}

/** A rollout as far as it matters for the next one. */
export interface PastRollout {
  id: string;
  version: Version;
  channel: string;
  origin: 'operator' | 'auto_latest';
  /** Nothing is ordered by it any more. */
  over: boolean;
  /** It came to its end, and was not cancelled or rolled back. */
  completed: boolean;
}

/**
 * What a channel should do by itself, for the appliances that follow it: begin with its newest release, unless that was begun before.
 * A rollout that was cancelled or stands at its brake is not begun again; one that is completed is, for who came after it. Automatic
 * rollouts of other releases are to be cancelled first, so that nobody is brought to one release after the other.
 *
 * @param newcomers somebody follows the channel who was in no automatic rollout of its newest release, and runs an older one
 */
export function automaticRollout(
  channel: string,
  releases: readonly Release[],
  past: readonly PastRollout[],
  newcomers: boolean,
): { begin: Version; cancel: readonly string[] } | undefined {
  const begin = latestRelease(releases, channel);
  const own = past.filter((rollout) => rollout.origin === 'auto_latest' && rollout.channel === channel);
  const begun = own.filter((rollout) => rollout.version === begin);
  const again = newcomers && begun.every(({ completed }) => completed);
  if (begin === undefined || (begun.length > 0 && !again)) return undefined;
  return { begin, cancel: own.filter((rollout) => !rollout.over).map((rollout) => rollout.id) };
}
