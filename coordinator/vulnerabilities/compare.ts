import type { Advisory } from './advisory.ts';
import type { Ecosystem, Part } from './bill.ts';
import { compareDebianVersions } from './debian-version.ts';
import type { Feed } from './feed.ts';
import { FINDINGS_KEPT_MAX } from './limits.ts';
import { SEVERITIES, type VulnerabilityFinding, type VulnerabilityReport } from './report.ts';

/**
 * Which vulnerabilities of a feed the parts of a release have. Pure.
 *
 * @returns counts of all, and the worst by name; each vulnerability of a package once
 */
export function compareWithFeed(parts: readonly Part[], feed: Feed): Omit<VulnerabilityReport, 'feed'> {
  const byName = Map.groupBy(feed.advisories, ({ ecosystem, name }) => `${ecosystem} ${name}`);
  const found = new Map<string, VulnerabilityFinding>();
  for (const part of parts)
    for (const advisory of byName.get(`${part.ecosystem} ${part.name}`) ?? []) {
      const hit = hits(part, advisory);
      if (!hit) continue;
      const { id, severity } = advisory;
      const finding = { id, package: part.name, version: part.version, fixed: hit.fixed, severity };
      const before = found.get(`${id} ${part.name}`);
      // Of two that disagree the worse word counts.
      if (!before || rank(finding) < rank(before)) found.set(`${id} ${part.name}`, finding);
    }
  const findings = [...found.values()].sort(
    (a, b) => rank(a) - rank(b) || compareText(a.package, b.package) || compareText(a.id, b.id),
  );
  const counts = { critical: 0, high: 0, medium: 0, low: 0, negligible: 0, unknown: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return {
    ...{ parts: parts.length, counts, fixable: findings.filter(({ fixed }) => fixed !== null).length },
    findings: findings.slice(0, FINDINGS_KEPT_MAX),
  };
}

const rank = ({ severity }: VulnerabilityFinding) => SEVERITIES.indexOf(severity);
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Null: it is not affected. */
function hits({ ecosystem, version, suite }: Part, advisory: Advisory): { fixed: string | null } | null {
  if (advisory.suite !== null && advisory.suite !== suite) return null;
  for (const { introduced, fixed } of advisory.ranges) {
    const after = introduced === null || compareVersions(ecosystem, version, introduced) >= 0;
    const before = fixed === null || compareVersions(ecosystem, version, fixed) < 0;
    if (after && before) return { fixed };
  }
  return advisory.versions.includes(version) ? { fixed: null } : null;
}

/** A version that nobody can read is taken for an old one: it is shown rather than hidden. */
function compareVersions(ecosystem: Ecosystem, a: string, b: string): number {
  if (ecosystem === 'debian') return compareDebianVersions(a, b);
  try {
    return Bun.semver.order(a, b);
  } catch {
    return -1;
  }
}
