import { OneOf } from '../../base/schema.ts';
import { titleOf } from '../alarms/kinds.ts';
import { acknowledgeAlarm, countAlarms, listAlarms } from '../alarms/look.ts';
import type { AlarmRow } from '../database/alarm-tables.ts';
import { BOARD_PAGE } from '../limits.ts';
import { Id, Reason } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Ago, Button, Card, Chip, Pages, Table, Tabs } from './parts.tsx';
import { linkTo, placeOf } from './words.ts';

const BOARDS = ['open', 'closed'] as const;
const TITLES = { open: 'Open', closed: 'Over' } as const;

/** What is wrong, and who sees to it. */
export const alarmsPage: Page = {
  path: '/alarms',
  section: '/alarms',
  scope: 'read',
  live: ['alarms', 'deeds', 'time'],
  async show(look) {
    const { coordinator, query } = look;
    const given = query.text('before');
    const before = given === undefined ? undefined : fitting(Id, given, 'the address');
    const board = fitting(OneOf(BOARDS), query.text('board') ?? 'open', 'the board');
    const alarms = await listAlarms(coordinator, { state: board, before, limit: BOARD_PAGE + 1 });
    const shown = alarms.slice(0, BOARD_PAGE);
    const { open } = await countAlarms(coordinator);
    const count = Object.values(open).reduce((sum, one) => sum + one, 0);
    const here = (more: Record<string, string | undefined>) => linkTo('/alarms', { board, ...more });
    return {
      title: 'Alarms',
      body: (
        <>
          <h1>Alarms</h1>
          <p>
            <a href="/alarms/channels">Where they are sent</a>
          </p>
          <Card id="alarms" title={TITLES[board]}>
            <div class="stack">
              <Tabs
                label="Boards"
                tabs={BOARDS.map((name) => ({
                  href: here({ board: name }),
                  title: name === 'open' ? `${TITLES[name]} (${count.toLocaleString('en')})` : TITLES[name],
                  current: name === board,
                }))}
              />
              <Table
                label="Alarms"
                heads={['What', 'About', board === 'open' ? 'Since' : 'Until', 'Seen by']}
                empty={board === 'open' ? 'Nothing is wrong.' : 'There is none.'}
                rows={shown.map((alarm) => alarmRow(alarm, look))}
              />
            </div>
            <Pages
              what="Pages of alarms"
              first={before === undefined ? null : here({})}
              next={alarms.length > BOARD_PAGE ? here({ before: shown.at(-1)?.id }) : null}
            />
          </Card>
        </>
      ),
    };
  },
  acts: {
    acknowledge: {
      scope: 'alarm',
      async run({ coordinator, principal, fields }) {
        const id = fitting(Id, fields.required('id'), 'the alarm');
        const note = fitting(Reason, fields.required('note'), 'the note');
        await acknowledgeAlarm(coordinator, principal.actor, id, note);
        return { to: '/alarms', done: 'acknowledged' };
      },
    },
  },
};

function alarmRow(alarm: AlarmRow, { coordinator, principal, form_token }: Look): JSX.Element {
  const { id, kind, severity, message, subject, opened_ms, closed_ms, acknowledged_by, note } = alarm;
  const tone = closed_ms !== null ? 'plain' : severity === 'critical' ? 'bad' : 'wait';
  const answerable = acknowledged_by === null && closed_ms === null && principal.scopes.has('alarm');
  return (
    <tr data-key={id}>
      <td>
        <Chip tone={tone} word={titleOf(kind)} />
        <small class="faint" safe>
          {message}
        </small>
      </td>
      <td>{subjectLink(subject)}</td>
      <td>
        <Ago at_ms={closed_ms ?? opened_ms} now_ms={coordinator.now_ms()} />
      </td>
      <td>
        {acknowledged_by === null ? '' : <span safe>{`${acknowledged_by}: ${note ?? ''}`}</span>}
        {answerable ? (
          <ActForm act="acknowledge" form_token={form_token} class="row">
            <input type="hidden" name="id" value={id} />
            <label>
              <span class="unseen" safe>{`What is done about: ${message}`}</span>
              <input type="text" name="note" placeholder="what you do" required autocomplete="off" />
            </label>
            <Button label="Seen" kind="quiet" about={titleOf(kind)} />
          </ActForm>
        ) : (
          ''
        )}
      </td>
    </tr>
  );
}

function subjectLink(subject: string): JSX.Element {
  const place = placeOf(subject);
  if (place === undefined) return <span safe>{subject}</span>;
  return (
    <a href={place.href} safe>
      {place.title}
    </a>
  );
}
