import { Layout } from '../page/layout.tsx';
import { Moment } from '../page/parts.tsx';
import { document_ } from '../page/status-page.tsx';
import { VerdictBanner } from '../page/verdict.tsx';
import { brief, counted } from '../page/words.ts';
import type { Headline } from '../view.ts';
import { Healing } from './healings.tsx';
import { Events, Evidence, Findings, Machines, Sensors, ZONE } from './lists.tsx';
import { openFindings, type SiteReport, sensorsInWords } from './report.ts';
import { type RefusedForm, Waiting } from './waiting.tsx';

/** The whole page. A pure function of the report and of a form that could not be taken: nothing else can be on it. */
export function renderSitePage(report: SiteReport, refused: RefusedForm | null): string {
  const verdict = headlineOf(report);
  const hostname = brief(report.hostname);
  const waits = <Waiting report={report} refused={refused} />;
  const isUrgent = report.waiting.length > 0 || refused !== null;
  return document_(
    <Layout
      tone={verdict.tone}
      title={`${verdict.word} · site of ${hostname}`}
      hostname={hostname}
      site={null}
      still="/site"
      form
      asOf={
        <>
          <Moment at={report.generated_at} zone={ZONE} /> UTC
        </>
      }
    >
      <VerdictBanner headline={verdict} facts={glance(report)} />
      <div class="cards">
        {isUrgent ? waits : ''}
        <Findings report={report} open={openFindings(report.counts)} />
        <Sensors report={report} />
        <Machines report={report} />
        <Healing report={report} />
        <Events report={report} />
        {isUrgent ? '' : waits}
        <Evidence report={report} />
      </div>
    </Layout>,
  );
}

function headlineOf({ counts, machines, healing, evidence }: SiteReport): Headline {
  const { critical, high } = counts.findings;
  const open = openFindings(counts);
  const away = machines.filter(({ reachable }) => reachable === false).length;
  const more = [
    counts.waiting === 0
      ? null
      : `${counted(counts.waiting, 'machine')} ${counts.waiting === 1 ? 'waits' : 'wait'} to be let in`,
    (counts.sensors?.silent ?? 0) === 0
      ? null
      : `${counted(counts.sensors?.silent ?? 0, 'sensor is', 'sensors are')} silent`,
    away === 0 ? null : `${counted(away, 'machine is', 'machines are')} not reachable`,
    healing.stopped.length === 0
      ? null
      : `healing waits for a person at ${counted(healing.stopped.length, 'check')}`,
  ].filter((words) => words !== null);
  const reason =
    more.length === 0
      ? ''
      : ` ${more.join(', ')}.`.replace(/^ (.)/, (_, first: string) => ` ${first.toUpperCase()}`);
  if (evidence.failure !== null)
    return { tone: 'bad', word: 'No evidence', reason: `Nothing is recorded any more: ${evidence.failure}` };
  if (open === 0)
    return {
      ...{ tone: more.length === 0 ? 'good' : 'warn', word: 'Nothing open' },
      reason: `There is no open finding.${reason}`,
    };
  const pressing = critical + high;
  return {
    tone: pressing > 0 ? 'bad' : 'warn',
    word: counted(open, 'finding'),
    reason: `${pressing === 0 ? 'None' : pressing} of the open findings ${pressing === 1 || pressing === 0 ? 'is' : 'are'} critical or high.${reason}`,
  };
}

function glance({ counts, machines, healing, evidence }: SiteReport): [string, string][] {
  return [
    ['Sensors', sensorsInWords(counts) ?? 'not enabled'],
    ['Waiting', String(counts.waiting)],
    ['Machines', String(machines.length)],
    ['Healing', healing.mode === 'dry_run' ? 'dry run' : healing.mode],
    ['Evidence', counted(evidence.records, 'record')],
  ];
}
