import { Type as t } from '@sinclair/typebox';
import { type AuditEntry, type ChainVerdict, verifyChain } from '../audit/chain.ts';
import { allAudit, latestAudit } from '../audit/log.ts';
import { BOARD_PAGE } from '../limits.ts';
import { fitting } from './fields.ts';
import type { Page } from './page.ts';
import { Card, Moment, Pages, Table } from './parts.tsx';
import { linkTo, plain } from './words.ts';

const Sequence = t.Integer({ minimum: 1 });

/** Who did what, and whether the log is whole. */
export const auditPage: Page = {
  path: '/audit',
  section: '/audit',
  scope: 'audit',
  async show({ coordinator: { database }, query }) {
    const given = query.text('before');
    const before = given === undefined ? undefined : fitting(Sequence, Number(given), 'the address');
    const verdict = query.text('check') === undefined ? null : await verifyChain(allAudit(database));
    const entries = await latestAudit(database, BOARD_PAGE + 1, before);
    const shown = entries.slice(0, BOARD_PAGE);
    return {
      title: 'Audit log',
      body: (
        <>
          <h1>Audit log</h1>
          <Card id="chain" title="Is it whole?">
            <div class="stack">
              <p>
                Every entry carries the hash of the one before. Note the head now and then: it shows a log
                whose end was cut off.
              </p>
              {verdict === null ? '' : <VerdictMessage verdict={verdict} />}
              <p class="row">
                <a class="button" href="/audit?check=1">
                  Check the chain
                </a>
                <a class="button quiet" href="/api/v1/audit/export" download="audit.jsonl">
                  Export all of it
                </a>
              </p>
            </div>
          </Card>
          <Card id="entries" title="Entries">
            <Table
              label="Entries"
              heads={['No.', 'When', 'Who', 'Did', 'To', 'Details']}
              empty="There is none."
              rows={shown.map(entryRow)}
            />
            <Pages
              what="Pages of the log"
              first={before === undefined ? null : '/audit'}
              next={
                entries.length > BOARD_PAGE
                  ? linkTo('/audit', { before: String(shown.at(-1)?.sequence) })
                  : null
              }
            />
          </Card>
        </>
      ),
    };
  },
};

function VerdictMessage({ verdict }: { verdict: ChainVerdict }) {
  const { intact, entries, head, fault } = verdict;
  return (
    <div class={`message ${intact ? 'good' : 'bad'}`} role="status">
      <p safe>
        {intact
          ? `Whole: ${entries} entries, no gap, fork or edit. The head is entry ${head.sequence}:`
          : `Broken at entry ${fault?.sequence}: ${plain(fault?.kind ?? '')}. The last good entry is ${head.sequence}:`}
      </p>
      <code safe>{head.hash}</code>
    </div>
  );
}

function entryRow({ sequence, at_ms, actor, action, subject, details }: AuditEntry): JSX.Element {
  return (
    <tr>
      <td>{sequence}</td>
      <td>
        <Moment at_ms={at_ms} />
      </td>
      <td safe>{actor}</td>
      <td safe>{action}</td>
      <td>{subjectLink(subject)}</td>
      <td>
        <details>
          <summary>Details</summary>
          <pre safe>{JSON.stringify(details, null, 2)}</pre>
        </details>
      </td>
    </tr>
  );
}

/** These have pages of their own. */
function subjectLink(subject: string): JSX.Element {
  const [, kind, id] = /^(device|order|release|rollout):([0-9a-f-]{36})$/.exec(subject) ?? [];
  if (kind === undefined) return <span safe>{subject}</span>;
  return (
    <a href={`/${kind}s/${id}`} safe>
      {subject}
    </a>
  );
}
