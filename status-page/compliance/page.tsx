import type { Tone } from '../assets.ts';
import { COMPLIANCE_ROWS_MAX } from '../limits.ts';
import { Layout } from '../page/layout.tsx';
import { Card, Chip, Moment } from '../page/parts.tsx';
import { document_ } from '../page/status-page.tsx';
import { VerdictBanner } from '../page/verdict.tsx';
import { brief, clip, counted } from '../page/words.ts';
import type { Headline } from '../view.ts';
import { History, percent, Rates } from './rates.tsx';
import {
  CONTROL_STATES,
  type ComplianceFilter,
  type ComplianceReport,
  type ControlReport,
  type ControlState,
  FRAMEWORK_NAMES,
  filterControls,
} from './report.ts';

const CHIPS: Readonly<Record<ControlState, readonly [tone: Tone | 'plain', word: string]>> = {
  fails: ['bad', 'fails'],
  unknown: ['unknown', 'unknown'],
  justified: ['warn', 'justified'],
  holds: ['good', 'holds'],
  not_applicable: ['plain', 'does not apply'],
};

/** Bytes of the sections of one control: the longest list has nine. */
const SECTIONS_MAX_BYTES = 240;

/** Times on this page are those of the report: UTC, as in its exports. */
const ZONE = 'UTC';

/** The whole page. A pure function of the report and of what was asked: nothing else can be on it. */
export function renderCompliancePage(report: ComplianceReport, filter: ComplianceFilter): string {
  const verdict = headlineOf(report);
  const shown = filterControls(report.controls, filter);
  return document_(
    <Layout
      tone={verdict.tone}
      title={`${verdict.word} · compliance of ${brief(report.hostname)}`}
      hostname={brief(report.hostname)}
      site={null}
      still="/compliance"
      asOf={
        <>
          <Moment at={report.generated_at} zone={ZONE} /> UTC
        </>
      }
    >
      <VerdictBanner headline={verdict} facts={glance(report)} />
      <Problems problems={report.problems} />
      <div class="cards">
        <Rates report={report} />
        <History history={report.history} />
        <Card id="controls" title="Controls" wide>
          <Filters filter={filter} />
          <p class="faint">
            {counted(shown.length, 'control')} of {report.controls.length}
          </p>
          <table class="controls">
            <thead>
              <tr>
                <th scope="col">Control</th>
                <th scope="col">State</th>
                <th scope="col">Seen</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((control) => (
                <ControlRow control={control} />
              ))}
            </tbody>
          </table>
        </Card>
        <Machines report={report} />
        <Findings report={report} />
        <Card id="downloads" title="Take it with you">
          <ul class="downloads">
            <li>
              <a href="/compliance.pdf">Report as PDF</a>
            </li>
            <li>
              <a href="/compliance.csv">Every result as CSV</a>
            </li>
            <li>
              <a href="/api/v1/compliance">JSON</a>
            </li>
          </ul>
        </Card>
      </div>
    </Layout>,
  );
}

function headlineOf({ appliance, machines }: ComplianceReport): Headline {
  const others = machines.filter(
    ({ subject, failing }) => subject !== 'appliance' && failing.length > 0,
  ).length;
  const more =
    others === 0 ? '' : ` ${counted(others, 'other machine')} ${others === 1 ? 'needs' : 'need'} a look.`;
  const { fails, unknown, justified } = appliance;
  if (fails > 0)
    return {
      tone: 'bad',
      word: `${fails} ${fails === 1 ? 'fails' : 'fail'}`,
      reason: `Of the controls of this appliance, ${fails} ${fails === 1 ? 'does' : 'do'} not hold.${more}`,
    };
  if (unknown > 0)
    return {
      tone: 'warn',
      word: `${unknown} unknown`,
      reason: `Nothing fails, but of ${counted(unknown, 'control')} nobody can tell.${more}`,
    };
  return {
    tone: others > 0 ? 'warn' : 'good',
    word: 'Compliant',
    reason: `Every control holds, or is justified (${justified}).${more}`,
  };
}

function glance({ appliance, frameworks }: ComplianceReport): [string, string][] {
  return [
    ['Appliance', percent(appliance.rate)],
    ['Without justifications', percent(appliance.strict_rate)],
    ...frameworks.map(({ framework, rate }): [string, string] => [framework, percent(rate)]),
  ];
}

function Problems(props: { problems: readonly string[] }) {
  if (props.problems.length === 0) return '';
  return (
    <section class="card wide notices" aria-labelledby="problems-title">
      <h2 id="problems-title">Worth a look</h2>
      <ul>
        {props.problems.slice(0, COMPLIANCE_ROWS_MAX).map((text) => (
          <li safe>{clip(text)}</li>
        ))}
      </ul>
    </section>
  );
}

/** Links, and not a form: they need no script, and can be kept as bookmarks. */
function Filters(props: { filter: ComplianceFilter }) {
  const { framework, state } = props.filter;
  return (
    <nav class="filters" aria-label="Filters">
      <p>
        <span class="faint">Framework</span>
        <Filter word="all" current={framework === null} to={{ framework: null, state }} />
        {FRAMEWORK_NAMES.map((name) => (
          <Filter word={name} current={framework === name} to={{ framework: name, state }} />
        ))}
      </p>
      <p>
        <span class="faint">State</span>
        <Filter word="all" current={state === null} to={{ framework, state: null }} />
        {CONTROL_STATES.map((name) => (
          <Filter word={CHIPS[name][1]} current={state === name} to={{ framework, state: name }} />
        ))}
      </p>
    </nav>
  );
}

function Filter(props: { word: string; current: boolean; to: ComplianceFilter }) {
  const { framework, state } = props.to;
  const query = new URLSearchParams({
    ...(framework === null ? {} : { framework }),
    ...(state === null ? {} : { state }),
  });
  const address = query.size === 0 ? '/compliance#controls' : `/compliance?${query}#controls`;
  return (
    <a href={address} {...(props.current ? { 'aria-current': 'true' } : {})} safe>
      {props.word}
    </a>
  );
}

function ControlRow(props: { control: ControlReport }) {
  const { id, title, demand, state, seen, references, justification, severity } = props.control;
  const [tone, word] = CHIPS[state];
  const sections = references.flatMap((each) => each.sections).join(', ');
  return (
    <tr>
      <th scope="row">
        <span class="mono">{brief(id)}</span> <span safe>{brief(title)}</span>
        <small class="faint" safe>
          {clip(demand)}
        </small>
        <small class="sections faint" safe>
          {clip(sections, SECTIONS_MAX_BYTES)}
        </small>
      </th>
      <td>
        <Chip tone={tone} word={word} />
        <small class="faint" safe>
          {severity}
        </small>
      </td>
      <td>
        <span safe>{clip(seen)}</span>
        {justification === null ? (
          ''
        ) : (
          <small class="faint" safe>
            {`${clip(justification.reason)}${justification.until === null ? '' : ` Until ${brief(justification.until)}.`}`}
          </small>
        )}
      </td>
    </tr>
  );
}

function Machines(props: { report: ComplianceReport }) {
  const { machines, machines_left_out } = props.report;
  const others = machines.filter(({ subject }) => subject !== 'appliance');
  if (others.length === 0) return '';
  const shown = others.slice(0, COMPLIANCE_ROWS_MAX);
  return (
    <Card id="machines" title="Other machines" wide>
      <table>
        <thead>
          <tr>
            <th scope="col">Machine</th>
            <th scope="col">Compliance</th>
            <th scope="col">Fails or is unknown</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ subject, hostname, rate, failing }) => (
            <tr>
              <th scope="row">
                <span safe>{brief(hostname)}</span>
                <small class="mono faint" safe>
                  {brief(subject)}
                </small>
              </th>
              <td safe>{percent(rate)}</td>
              <td class="mono" safe>
                {failing.length === 0 ? 'nothing' : clip(failing.join(' '))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <LeftOut count={others.length - shown.length + machines_left_out} />
    </Card>
  );
}

function Findings(props: { report: ComplianceReport }) {
  const { findings, findings_left_out } = props.report;
  const shown = findings.slice(0, COMPLIANCE_ROWS_MAX);
  return (
    <Card id="findings" title="Open findings" wide>
      {shown.length === 0 ? <p class="faint">None.</p> : ''}
      <ul class="findings">
        {shown.map(({ hostname, check_type, actual, opened_at, severity }) => (
          <li>
            <strong safe>{brief(hostname)}</strong>{' '}
            <span class="mono" safe>
              {brief(check_type)}
            </span>{' '}
            <span safe>{clip(actual)}</span>
            <small class="faint">
              <span safe>{brief(severity)}</span>, since <Moment at={opened_at} zone={ZONE} /> UTC
            </small>
          </li>
        ))}
      </ul>
      <LeftOut count={findings.length - shown.length + findings_left_out} />
    </Card>
  );
}

function LeftOut(props: { count: number }) {
  if (props.count <= 0) return '';
  return (
    <p class="faint more">
      and {props.count} more in the <a href="/compliance.csv">CSV</a>
    </p>
  );
}
