import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf } from '../../base/schema.ts';
import { FINDINGS_KEPT_MAX, NAME_MAX } from './limits.ts';

/** Worst first. `unknown`: the feed does not say. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];

const Name = t.String({ minLength: 1, maxLength: NAME_MAX });
const Count = t.Integer({ minimum: 0, maximum: 10_000_000 });
const strict = { additionalProperties: false };

/** One vulnerability of one package that is in a release. */
export const VulnerabilityFinding = t.Object(
  {
    ...{ id: Name, package: Name, version: Name },
    fixed: t.Union([Name, t.Null()], {
      description: 'the version that has it no more; null: there is none yet',
    }),
    severity: OneOf(SEVERITIES),
  },
  strict,
);
export type VulnerabilityFinding = Static<typeof VulnerabilityFinding>;

/** What came of comparing a release with a feed. */
export const VulnerabilityReport = t.Object(
  {
    feed: t.Object(
      { kind: OneOf(['debian', 'osv']), sha256: t.String({ pattern: '^[0-9a-f]{64}$' }) },
      strict,
    ),
    parts: t.Integer({ minimum: 0, maximum: 100_000, description: 'packages that were compared' }),
    counts: t.Object(
      { critical: Count, high: Count, medium: Count, low: Count, negligible: Count, unknown: Count },
      strict,
    ),
    fixable: t.Integer({ minimum: 0, description: 'of them: a newer version has them no more' }),
    findings: t.Array(VulnerabilityFinding, {
      maxItems: FINDINGS_KEPT_MAX,
      description: 'the worst of them',
    }),
  },
  strict,
);
export type VulnerabilityReport = Static<typeof VulnerabilityReport>;
