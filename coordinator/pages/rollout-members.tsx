import { deviceNames } from '../devices/list.ts';
import { MEMBER_STATES, type Member } from '../rollouts/plan.ts';
import { listMembers, type MemberView } from '../rollouts/run/look.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import { MEMBERS_PAGE } from './limits.ts';
import type { Look } from './page.ts';
import { Card, Chip, Pages, Table, Tabs } from './parts.tsx';
import type { Rollout } from './rollout.tsx';
import { FAILURE_WORDS, MEMBER_TONES, MEMBER_WORDS } from './rollout-words.ts';
import { linkTo } from './words.ts';

/** Who is in it, by how far they have come. */
export async function MembersCard(props: {
  look: Look;
  rollout: Rollout;
  state: Member['state'] | undefined;
  after: string | undefined;
}): Promise<JSX.Element> {
  const { look, rollout, state } = props;
  const after = props.after === undefined ? undefined : fitting(Id, props.after, 'the address');
  const members = await listMembers(look.coordinator, rollout.id, { state, after, limit: MEMBERS_PAGE + 1 });
  const shown = members.slice(0, MEMBERS_PAGE);
  const names = await deviceNames(
    look.coordinator,
    shown.map(({ device_id }) => device_id),
  );
  const here = (more: Record<string, string | undefined>) =>
    `${linkTo(`/rollouts/${rollout.id}`, { state, ...more })}#members`;
  return (
    <Card id="members" title="Appliances">
      <div class="stack">
        <Tabs label="How far" tabs={tabs(rollout, state, here)} />
        <Table
          label="Appliances"
          heads={['Appliance', 'Stage', 'State', 'Why']}
          saysWhy
          empty={
            rollout.phase === 'draft' ? 'Who is meant is settled when it is approved.' : 'There is none.'
          }
          rows={shown.map((member) => memberRow(member, names.get(member.device_id)))}
        />
      </div>
      <Pages
        what="Pages of appliances"
        first={after === undefined ? null : here({})}
        next={members.length > MEMBERS_PAGE ? here({ after: shown.at(-1)?.device_id }) : null}
      />
    </Card>
  );
}

function tabs(
  { counts }: Rollout,
  shown: Member['state'] | undefined,
  here: (more: Record<string, string | undefined>) => string,
) {
  const total = (state?: Member['state']) =>
    counts
      .filter((count) => state === undefined || count.state === state)
      .reduce((sum, { devices }) => sum + devices, 0);
  const all = {
    href: here({ state: undefined }),
    title: `all (${total().toLocaleString('en')})`,
    current: shown === undefined,
  };
  const states = MEMBER_STATES.filter((state) => total(state) > 0 || state === shown);
  return [
    all,
    ...states.map((state) => ({
      href: here({ state }),
      title: `${MEMBER_WORDS[state]} (${total(state).toLocaleString('en')})`,
      current: state === shown,
    })),
  ];
}

function memberRow(member: MemberView, name: string | undefined): JSX.Element {
  const { device_id, state, stage, code, message, order_id } = member;
  return (
    <tr data-key={device_id}>
      <td>
        <a href={`/devices/${device_id}`} safe>
          {name ?? device_id}
        </a>
      </td>
      <td safe>{stage === null ? '' : String(stage + 1)}</td>
      <td>
        <Chip tone={MEMBER_TONES[state]} word={MEMBER_WORDS[state]} />
      </td>
      <td>
        <span safe>{code === null ? '' : FAILURE_WORDS[code]}</span>
        {message === null ? (
          ''
        ) : (
          <small class="faint" safe>
            {message}
          </small>
        )}
        {order_id === null ? (
          ''
        ) : (
          <small>
            <a href={`/orders/${order_id}`}>
              Order<span class="unseen" safe>{` of ${name ?? device_id}`}</span>
            </a>
          </small>
        )}
      </td>
    </tr>
  );
}
