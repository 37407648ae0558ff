import type { SiteFinding, SiteHealing, SiteReport } from '../../protocol/messages/site-report.ts';

/** A finding of a till whose firewall is off. */
export function exampleFinding(changed: Partial<SiteFinding> = {}): SiteFinding {
  return {
    ...{ id: 'f-1-a', subject: 's-00000000000000aa', hostname: 'till-1', check_type: 'firewall' },
    ...{ severity: 'high', control: '164.312(a)(1)', opened_ms: 1_000, ...changed },
  };
}

export function exampleHealing(changed: Partial<SiteHealing> = {}): SiteHealing {
  return {
    ...{ id: 'h-1', subject: 's-00000000000000aa', hostname: 'till-1', check_type: 'firewall' },
    ...{ action: 'start_service', state: 'healed', dry_run: false, began_ms: 1_000, ended_ms: 2_000 },
    ...{ reason: null, ...changed },
  };
}

/** What a small site reports, with these findings and healings. */
export function exampleSiteReport(
  findings: readonly SiteFinding[] = [],
  healings: readonly SiteHealing[] = [],
): SiteReport {
  const severities = { info: 0, low: 0, medium: 0, high: 0, critical: 0 };
  for (const { severity } of findings) severities[severity] += 1;
  const states = {
    ...{ detected: 0, acting: 0, verifying: 0, healed: 0, not_healed: 0, gave_up: 0, refused: 0 },
  };
  for (const { state } of healings) states[state] += 1;
  const sensor = { hostname: 'till-1', state: 'live' as const, tier: 'self_heal' as const };
  return {
    observed_at_ms: 1_790_000_000_000,
    sensors: {
      ...{ states: { live: 1, silent: 1 }, tiers: { monitor_only: 1, self_heal: 1, full_remediation: 0 } },
      ...{ waiting: 0, left_out: 0 },
      list: [
        { ...sensor, id: 's-00000000000000aa', heard_ms: 1_790_000_000_000 },
        {
          ...{ id: 's-00000000000000bb', hostname: 'till-2', state: 'silent', tier: 'monitor_only' },
          heard_ms: null,
        },
      ],
    },
    findings: { severities, list: [...findings], left_out: 0 },
    healings: { states, list: [...healings], left_out: 0 },
    healing: { mode: 'on', rules_version: 3 },
    compliance: [{ framework: 'HIPAA', fails: 1, unknown: 0, rate: 0.9 }],
    evidence: { chain: 'a'.repeat(32), seq: 7, hash: 'b'.repeat(64) },
  };
}
