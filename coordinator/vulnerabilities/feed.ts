import { Type as t } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { BulkheadError } from '../../base/errors.ts';
import { type Advisory, debianSeverity } from './advisory.ts';
import { ADVISORIES_MAX, NAME_MAX } from './limits.ts';
import { readOsv } from './osv.ts';

export interface Feed {
  kind: 'debian' | 'osv';
  advisories: Advisory[];
}

const Name = t.String({ minLength: 1, maxLength: NAME_MAX });
const TrackerEntry = TypeCompiler.Compile(
  t.Object({
    releases: t.Record(
      t.String(),
      t.Object({
        status: t.String(),
        fixed_version: t.Optional(Name),
        urgency: t.Optional(t.String()),
      }),
    ),
  }),
);

/**
 * Reads a feed of vulnerabilities: the JSON of Debian's security tracker (packages, in them CVEs, in them suites), or OSV (one record, a
 * list of them, or one a line; https://ossf.github.io/osv-schema/). Which it is, it says itself.
 *
 * @throws BulkheadError FEED_INVALID
 */
export function readFeed(text: string): Feed {
  const value = parse(text);
  const records = Array.isArray(value) ? value : [value];
  const isOsv = records.length > 0 && records.every((one) => isObject(one) && typeof one['id'] === 'string');
  const feed: Feed = isOsv
    ? { kind: 'osv', advisories: records.flatMap(readOsv) }
    : { kind: 'debian', advisories: isObject(value) ? readTracker(value) : [] };
  if (feed.advisories.length === 0) throw invalid('it has no advisory about Debian or npm');
  if (feed.advisories.length > ADVISORIES_MAX) throw invalid(`it has more than ${ADVISORIES_MAX} advisories`);
  return feed;
}

/** A value, or one a line. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line) as unknown);
    } catch {
      throw invalid('it is neither JSON nor JSON in lines', cause);
    }
  }
}

/** https://security-tracker.debian.org/tracker/data/json: what it says of a suite holds for its source package there. */
function readTracker(packages: Readonly<Record<string, unknown>>): Advisory[] {
  const found: Advisory[] = [];
  for (const [name, entries] of Object.entries(packages)) {
    if (!isObject(entries) || name.length > NAME_MAX) continue;
    for (const [id, entry] of Object.entries(entries)) {
      if (!TrackerEntry.Check(entry) || id.length > NAME_MAX) continue;
      for (const [suite, { status, fixed_version, urgency }] of Object.entries(entry.releases)) {
        // Version 0 fixes what was never there.
        if (fixed_version === '0' || (status === 'resolved' && fixed_version === undefined)) continue;
        const fixed = status === 'resolved' ? (fixed_version ?? null) : null;
        found.push({
          ecosystem: 'debian',
          ...{ id, name, suite, versions: [] },
          ...{ ranges: [{ introduced: null, fixed }], severity: debianSeverity(urgency) },
        });
      }
    }
  }
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const invalid = (why: string, cause?: unknown) =>
  new BulkheadError('FEED_INVALID', `this is no feed of vulnerabilities: ${why}`, {
    hint: "the JSON of Debian's security tracker, or OSV: one record, a list, or one a line",
    ...(cause === undefined ? {} : { cause }),
  });
