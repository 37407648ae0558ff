import { ReleaseVersion } from '../../updater/bundle/manifest.ts';

const FORM = new RegExp(ReleaseVersion.pattern ?? '');

declare const versionMark: unique symbol;

/** A text that is the version of a release, as bundles carry it. Made by `parseVersion` only. */
export type Version = string & { readonly [versionMark]: true };

/** Undefined for what no bundle can carry. */
export function parseVersion(text: string): Version | undefined {
  return isVersion(text) ? text : undefined;
}

export function isVersion(value: unknown): value is Version {
  return typeof value === 'string' && FORM.test(value);
}

/**
 * Precedence of Semantic Versioning 2.0.0, section 11: `1.0.0-rc.1` comes before `1.0.0`, and what stands behind a `+` is ignored.
 * So 0 does not mean that two versions are the same release; equality of the texts does.
 */
export function compareVersions(a: Version, b: Version): -1 | 0 | 1 {
  return Bun.semver.order(a, b);
}

/**
 * The release to install next on the way from one to another: the lowest floor between them, or the goal itself.
 * A way down has no floors: data of a newer release is not brought down in steps either.
 */
export function nextHop(running: Version, goal: Version, floors: readonly Version[]): Version {
  let next = goal;
  for (const floor of floors) {
    if (compareVersions(floor, running) > 0 && compareVersions(floor, next) < 0) next = floor;
  }
  return next;
}
