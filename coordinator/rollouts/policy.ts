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
