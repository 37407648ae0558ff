import { presenceOf } from '../devices/presence.ts';
import type {
  AlarmFacts,
  DriftFact,
  FailedBuildFact,
  FirewallFact,
  ForkFact,
  ImageFact,
  LastingFact,
  QuietFact,
  UpdateFact,
} from './facts.ts';
import { lawfulFirewall } from './firewall.ts';
import type { AlarmKind } from './kinds.ts';
import { REFUSALS_MIN, REFUSALS_MIN_PERCENT, SIGN_INS_FAILED_MIN } from './limits.ts';

/** What is wrong with whom. Its words are the same as long as it is the same. */
export interface Finding {
  /** `device:…`, `rollout:…`, `channel:…`, `project:…`, `job:…`, `coordinator`. */
  subject: string;
  message: string;
}

/** All that is wrong now, by kind. A kind that was not looked at is not in it. */
export type Findings = ReadonlyMap<AlarmKind, readonly Finding[]>;

/** The rules, one a kind. */
export function judge(facts: AlarmFacts): Findings {
  const findings = new Map<AlarmKind, readonly Finding[]>([
    ['appliance_silent', facts.quiet.flatMap((fact) => silent(fact, facts.at_ms))],
    ['update_failing', facts.updates.flatMap(failing)],
    ['image_changed', facts.images.flatMap(changedImage)],
    ['firewall_changed', facts.firewalls.flatMap(changedFirewall)],
    ['reports_refused', refused(facts.reports)],
    ['sign_ins_failing', facts.sign_ins_failed >= SIGN_INS_FAILED_MIN ? [SIGN_INS] : []],
    [
      'rollout_braked',
      facts.braked.map(({ rollout, name, version, reason }) => ({
        subject: `rollout:${rollout}`,
        message: `rollout ${name} of ${version} has stopped by itself: ${reason}`,
      })),
    ],
    [
      'delivery_failing',
      facts.channels.map(({ channel, name, error }) => ({
        subject: `channel:${channel}`,
        message: `alarms do not get through to ${name}: ${error}`,
      })),
    ],
    ['job_stuck', facts.stuck.map(stuck)],
    ['job_failed', facts.failed.map(failedBuild)],
    ['evidence_forked', facts.forks.map(forkedEvidence)],
    ['finding_open', facts.lasting.map(lastingFinding)],
  ]);
  if (facts.drift !== null) findings.set('drift', facts.drift.map(drifted));
  return findings;
}

const SIGN_INS: Finding = { subject: 'coordinator', message: 'sign-ins fail more often than people mistype' };

function silent({ device, name, heard_ms, decided_ms, interval_s }: QuietFact, at_ms: number): Finding[] {
  if (presenceOf({ heard_ms: heard_ms ?? decided_ms, interval_s }, at_ms) !== 'offline') return [];
  const message =
    heard_ms === null
      ? `${name} was let in at ${moment(decided_ms)} and has never been heard`
      : `${name} has not been heard since ${moment(heard_ms)}; it was to report every ${interval_s} s`;
  return [{ subject: `device:${device}`, message }];
}

function failing({ device, name, running, version, outcome, message }: UpdateFact): Finding[] {
  // Somebody brought it there by another way.
  if (running === version) return [];
  const why = message === null ? '' : `: ${message}`;
  const what = `update to ${version} ended as ${outcome.replaceAll('_', ' ')}`;
  return [{ subject: `device:${device}`, message: `${name}: its ${what}${why}` }];
}

function changedImage({ device, name, version, root_hash, published }: ImageFact): Finding[] {
  if (published === null || published === root_hash) return [];
  const message = `${name} says that it runs ${version}, but its root hash ${root_hash.slice(0, 12)}… is not that of the release`;
  return [{ subject: `device:${device}`, message }];
}

function changedFirewall({ device, name, current, reports }: FirewallFact): Finding[] {
  const lawful = lawfulFirewall(reports);
  if (current === null || lawful === null || current === lawful) return [];
  const message = `the firewall of ${name} has changed, and neither its configuration nor its image has`;
  return [{ subject: `device:${device}`, message }];
}

function refused({ taken, refused }: AlarmFacts['reports']): Finding[] {
  const count = [...refused.values()].reduce((sum, one) => sum + one, 0);
  if (count < REFUSALS_MIN || count * 100 < (taken + count) * REFUSALS_MIN_PERCENT) return [];
  const codes = [...refused.keys()].sort().join(', ');
  return [
    { subject: 'coordinator', message: `many requests of appliances fail their verification: ${codes}` },
  ];
}

function forkedEvidence({ device, name, chain, why }: ForkFact): Finding {
  return {
    subject: `device:${device}`,
    message: `the evidence of ${name} (chain ${chain.slice(0, 12)}…) contradicts itself: ${why}`,
  };
}

function lastingFinding({ device, name, findings, check_type, hostname, since_ms }: LastingFact): Finding {
  const others = findings === 1 ? '' : `, and ${findings - 1} more`;
  return {
    subject: `device:${device}`,
    message: `at ${name}, ${check_type} on ${hostname} is critical since ${moment(since_ms)}${others}`,
  };
}

function drifted({ device, name, state, running, desired, releases }: DriftFact): Finding {
  const far = `${releases} ${releases === 1 ? 'release' : 'releases'} ${state} of ${desired}`;
  const message =
    state === 'unknown'
      ? `${name} runs ${running ?? 'a version that it does not tell'}, which is no release here; it should run ${desired}`
      : `${name} runs ${running}, ${far.replace('behind of', 'behind')}`;
  return { subject: `device:${device}`, message };
}

function stuck({ id, project, waits }: AlarmFacts['stuck'][number]): Finding {
  const why = waits ? 'waits, and no worker takes it' : 'runs longer than it may';
  return { subject: `job:${id}`, message: `build ${id} of ${project} ${why}` };
}

function failedBuild({ id, project_id, project, ref, code, message }: FailedBuildFact): Finding {
  const why = [code, message].filter(Boolean).join(': ');
  return { subject: `project:${project_id}`, message: `build ${id} of ${project} (${ref}) failed: ${why}` };
}

function moment(at_ms: number): string {
  return `${new Date(at_ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
