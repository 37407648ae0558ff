import type { KeptReport } from '../vulnerabilities/keep.ts';
import { SEVERITIES, type Severity } from '../vulnerabilities/report.ts';
import { Card, Chip, Moment, Table } from './parts.tsx';
import type { Tone } from './words.ts';

const TONES: Readonly<Record<Severity, Tone>> = {
  ...{ critical: 'bad', high: 'bad', medium: 'wait', low: 'plain', negligible: 'plain', unknown: 'plain' },
};

/** What is known against the parts of a release, as of the feed that it was compared with. */
export function VulnerabilitiesCard({ report, hasBill }: { report: KeptReport | null; hasBill: boolean }) {
  return (
    <Card id="vulnerabilities" title="Known vulnerabilities">
      {report === null ? (
        <p safe>
          {hasBill
            ? 'It was compared with no feed yet: bulkhead-coordinator release scan does that.'
            : 'It says not what it is made of, so nothing can be told.'}
        </p>
      ) : (
        <Compared report={report} />
      )}
    </Card>
  );
}

function Compared({ report }: { report: KeptReport }) {
  const { counts, feed, findings, fixable, parts, compared_ms, compared_by } = report;
  const present = SEVERITIES.filter((severity) => counts[severity] > 0);
  const all = SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0);
  return (
    <>
      <p>
        {present.length === 0 ? <Chip tone="good" word="none known" /> : ''}
        {present.map((severity) => (
          <Chip tone={TONES[severity]} word={`${counts[severity]} ${severity}`} />
        ))}
      </p>
      <p>
        <span safe>
          {`${parts} packages against ${feed.kind === 'debian' ? 'the tracker of Debian' : 'OSV'}, by ${compared_by}, `}
        </span>
        <Moment at_ms={compared_ms} />
        <span safe>{`. ${fixable} of ${all} are mended by a newer version.`}</span>
      </p>
      <Table
        label="Known vulnerabilities"
        heads={['Which', 'In', 'Mended in']}
        empty="None is known."
        rows={findings.map((finding) => (
          <tr data-key={`${finding.id} ${finding.package}`}>
            <td>
              <span safe>{finding.id}</span> <Chip tone={TONES[finding.severity]} word={finding.severity} />
            </td>
            <td safe>{`${finding.package} ${finding.version}`}</td>
            <td safe>{finding.fixed ?? 'nothing yet'}</td>
          </tr>
        ))}
      />
      {findings.length < all ? <p safe>{`The worst ${findings.length} of ${all}.`}</p> : ''}
    </>
  );
}
