import { type Static, Type as t } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type Advisory, debianSeverity, type Range } from './advisory.ts';
import { NAME_MAX } from './limits.ts';
import type { Severity } from './report.ts';

const Name = t.String({ minLength: 1, maxLength: NAME_MAX });
const Event = t.Object({ introduced: t.Optional(Name), fixed: t.Optional(Name) });
const Affected = t.Object({
  package: t.Object({ ecosystem: t.String(), name: Name }),
  ranges: t.Optional(t.Array(t.Object({ type: t.String(), events: t.Array(Event) }))),
  versions: t.Optional(t.Array(t.String())),
  ecosystem_specific: t.Optional(t.Object({ urgency: t.Optional(t.String()) })),
});
const Osv = TypeCompiler.Compile(
  t.Object({
    id: Name,
    aliases: t.Optional(t.Array(t.String())),
    upstream: t.Optional(t.Array(t.String())),
    withdrawn: t.Optional(t.String()),
    database_specific: t.Optional(t.Object({ severity: t.Optional(t.String()) })),
    affected: t.Optional(t.Array(t.Unknown())),
  }),
);
const CheckAffected = TypeCompiler.Compile(Affected);

/** Code names of Debian by the number that OSV has behind `Debian:`. */
const SUITES: Readonly<Record<string, string>> = {
  ...{ '11': 'bullseye', '12': 'bookworm', '13': 'trixie', '14': 'forky' },
};
const WORDS: Readonly<Record<string, Severity>> = {
  ...{ critical: 'critical', high: 'high', moderate: 'medium', medium: 'medium', low: 'low' },
};

/**
 * One record of OSV. One that was withdrawn, and what is about other ecosystems, says nothing here. It goes by the name of its CVE where it has one,
 * so that two records about the same count once.
 */
export function readOsv(record: unknown): Advisory[] {
  if (!Osv.Check(record) || record.withdrawn !== undefined) return [];
  const names = [record.id, ...(record.aliases ?? []), ...(record.upstream ?? [])];
  const id = names.find((name) => /^CVE-\d{4}-\d{4,12}$/.test(name)) ?? record.id;
  const general = WORDS[record.database_specific?.severity?.toLowerCase() ?? ''];
  return (record.affected ?? []).flatMap((affected): Advisory[] => {
    if (!CheckAffected.Check(affected)) return [];
    const { package: about, ranges = [], versions = [], ecosystem_specific } = affected;
    const place = placeOf(about.ecosystem);
    if (!place) return [];
    const named = debianSeverity(ecosystem_specific?.urgency);
    return [
      {
        ...{ ...place, id, name: about.name, versions },
        ranges: ranges.filter(({ type }) => type !== 'GIT').flatMap(({ events }) => rangesOf(events)),
        severity: named === 'unknown' ? (general ?? 'unknown') : named,
      },
    ];
  });
}

function placeOf(ecosystem: string): Pick<Advisory, 'ecosystem' | 'suite'> | undefined {
  if (ecosystem === 'npm') return { ecosystem: 'npm', suite: null };
  const [distribution, number] = ecosystem.split(':');
  if (distribution !== 'Debian') return undefined;
  if (number === undefined) return { ecosystem: 'debian', suite: null };
  const suite = SUITES[number];
  return suite === undefined ? undefined : { ecosystem: 'debian', suite };
}

/** Events come in their order: introduced, fixed, introduced again. */
function rangesOf(events: readonly Static<typeof Event>[]): Range[] {
  const ranges: Range[] = [];
  for (const { introduced, fixed } of events) {
    if (introduced !== undefined)
      ranges.push({ introduced: introduced === '0' ? null : introduced, fixed: null });
    const last = ranges.at(-1);
    if (fixed !== undefined && last?.fixed === null) last.fixed = fixed;
  }
  return ranges;
}
