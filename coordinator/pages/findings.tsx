import { FINDING_SEVERITIES, type FindingSeverity } from '../../protocol/messages/site-report.ts';
import { BOARD_PAGE } from '../limits.ts';
import { Id } from '../routes/parts.ts';
import { FindingFilter, tagOf } from '../routes/site.ts';
import { countFindings, type FindingView, listFindings } from '../site/findings.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { Ago, Card, Chip, Field, Pages, Table, Tabs } from './parts.tsx';
import { linkTo, SEVERITY_TONES } from './words.ts';

const BOARDS = ['open', 'closed'] as const;
const TITLES = { open: 'Open', closed: 'Over' } as const;
const FIELDS = ['state', 'severity', 'subject', 'check', 'device', 'tag'] as const;

/** What is not as it should be at the sites of the fleet, as their appliances tell it. */
export const findingsPage: Page = {
  path: '/findings',
  section: '/findings',
  scope: 'read',
  live: ['deeds', 'time'],
  async show(look) {
    const { coordinator, query } = look;
    const given = query.text('before');
    const before = given === undefined ? undefined : fitting(Id, given, 'the address');
    const asked = Object.fromEntries(
      FIELDS.flatMap((name) => {
        const text = query.text(name);
        return text === undefined ? [] : [[name, text]];
      }),
    );
    const { tag, state = 'open', ...filter } = fitting(FindingFilter, asked, 'the filter');
    const wanted = { ...filter, state, tag: tagOf(tag) };
    const counts = await countFindings(coordinator, wanted);
    const findings = await listFindings(coordinator, { ...wanted, before, limit: BOARD_PAGE + 1 });
    const shown = findings.slice(0, BOARD_PAGE);
    const here = (more: Record<string, string | undefined>) =>
      linkTo('/findings', { ...filter, state, tag, ...more });
    return {
      title: 'Findings',
      body: (
        <>
          <h1>Findings</h1>
          <search class="card stack">
            <FilterForm asked={asked} />
          </search>
          <Card id="findings" title={TITLES[state]}>
            <div class="stack">
              <Tabs
                label="Boards"
                tabs={BOARDS.map((name) => ({
                  href: here({ state: name }),
                  title: TITLES[name],
                  current: name === state,
                }))}
              />
              <Tabs label="Severity" tabs={severityTabs(filter.severity, counts, here)} />
              <Table
                label="Findings"
                heads={['What', 'On', 'Appliance', state === 'open' ? 'Since' : 'Until', 'Control']}
                empty={state === 'open' ? 'Nothing is open.' : 'There is none.'}
                rows={shown.map((finding) => findingRow(finding, look))}
              />
            </div>
            <Pages
              what="Pages of findings"
              first={before === undefined ? null : here({})}
              next={findings.length > BOARD_PAGE ? here({ before: shown.at(-1)?.id }) : null}
            />
          </Card>
        </>
      ),
    };
  },
};

function FilterForm({ asked }: { asked: Readonly<Record<string, string>> }) {
  const kept = ['state', 'severity', 'device'].filter((name) => asked[name] !== undefined);
  return (
    <form class="row" method="get" action="/findings">
      {kept.map((name) => (
        <input type="hidden" name={name} value={asked[name] ?? ''} />
      ))}
      <Field label="Check" name="check" value={asked['check']} note="firewall, bitlocker, patches, …" />
      <Field label="Tag" name="tag" value={asked['tag']} note="of the appliance: site=berlin" />
      <Field label="Subject" name="subject" value={asked['subject']} note="appliance, s-… or t-…" />
      <p>
        <button type="submit">Find</button>
        {asked['device'] === undefined ? '' : <a href="/findings">Of all appliances</a>}
      </p>
    </form>
  );
}

function severityTabs(
  shown: FindingSeverity | undefined,
  counts: Readonly<Record<FindingSeverity, number>>,
  here: (more: Record<string, string | undefined>) => string,
) {
  const all = FINDING_SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0);
  const tab = (severity: FindingSeverity | undefined, count: number) => ({
    href: here({ severity }),
    title: `${severity ?? 'all'} (${count.toLocaleString('en')})`,
    current: severity === shown,
  });
  return [
    tab(undefined, all),
    ...FINDING_SEVERITIES.toReversed().map((severity) => tab(severity, counts[severity])),
  ];
}

function findingRow(finding: FindingView, { coordinator }: Look): JSX.Element {
  const { id, severity, check_type, hostname, subject, device_id, device_name, control } = finding;
  return (
    <tr data-key={id}>
      <td>
        <Chip tone={SEVERITY_TONES[severity]} word={severity} /> <span safe>{check_type}</span>
      </td>
      <td>
        <span safe>{hostname}</span>
        <small class="faint" safe>
          {subject}
        </small>
      </td>
      <td>
        <a href={`/devices/${device_id}`} safe>
          {device_name}
        </a>
      </td>
      <td>
        <Ago at_ms={finding.closed_ms ?? finding.opened_ms} now_ms={coordinator.now_ms()} />
      </td>
      <td class="mono" safe>
        {control ?? ''}
      </td>
    </tr>
  );
}
