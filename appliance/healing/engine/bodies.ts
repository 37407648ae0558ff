import type { EvidenceEntry } from '../../evidence/entry.ts';
import type { Detection } from '../../findings/detection.ts';
import { EVIDENCE_TEXT_MAX } from '../limits.ts';
import type { Healing } from './healing-record.ts';

/** What goes on record before anything is done: what was seen, and what will be done because of which rule. Pure. */
export function startedEntry(healing: Healing): EvidenceEntry {
  const { id, rule_id, action, params, attempt, asked_by, seen, finding_id, detected_s } = healing;
  const body = {
    healing: id,
    rule: rule_id,
    action,
    params: { ...params },
    attempt,
    asked_by,
    finding: finding_id,
  };
  return { kind: 'healing.started', body: { ...body, at_s: detected_s, seen: lookOf(seen) } };
}

/** How it ended, with both looks. Pure. */
export function endedEntry(healing: Healing): EvidenceEntry {
  const {
    id,
    rule_id,
    action,
    attempt,
    state,
    reason,
    claimed,
    output,
    seen,
    seen_again,
    ended_s,
    acting_s,
  } = healing;
  const words = { reason: reason && wellFormed(reason), claimed, output: output && wellFormed(output) };
  const body = {
    healing: id,
    rule: rule_id,
    action,
    attempt,
    outcome: state,
    began_s: acting_s,
    at_s: ended_s,
  };
  return {
    kind: 'healing.ended',
    body: { ...body, ...words, seen: lookOf(seen), seen_again: seen_again && lookOf(seen_again) },
  };
}

/** A look on record: long texts are cut, and what is no text (half a character) is put right; the whole one is an event. */
function lookOf({
  subject,
  hostname,
  check_type,
  passed,
  expected,
  actual,
  control,
  severity,
  at_s,
}: Detection) {
  const texts = {
    hostname: wellFormed(hostname),
    expected: wellFormed(expected),
    actual: wellFormed(actual),
  };
  return { subject, check_type, passed, ...texts, control: control && wellFormed(control), severity, at_s };
}

function wellFormed(text: string): string {
  return text.slice(0, EVIDENCE_TEXT_MAX).toWellFormed();
}
