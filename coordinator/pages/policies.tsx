import {
  addPolicy,
  listPolicies,
  type NewPolicy,
  PolicyChoice,
  type PolicyView,
  raisePolicy,
  removePolicy,
} from '../policies/policies.ts';
import { parseWindow, policyWords, windowWords } from '../policies/words.ts';
import { DeviceName, Id } from '../routes/parts.ts';
import { requestInvalid } from '../server/problem.ts';
import { type Fields, fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Choice, Field, Table } from './parts.tsx';

const PATH = '/rollouts/policies';
const KINDS = [
  ['manual', 'what operators roll out'],
  ['auto_latest', 'the newest release of a channel, by itself'],
  ['pinned', 'one version and no other'],
] as const;

/** Who decides what which appliances run. */
export const policiesPage: Page = {
  path: PATH,
  section: '/rollouts',
  scope: 'read',
  async show(look) {
    const policies = await listPolicies(look.coordinator);
    const mayChange = look.principal.scopes.has('rollout');
    return {
      title: 'Policies',
      body: (
        <>
          <h1>Policies</h1>
          <Card id="policies" title="In the order in which they are tried">
            <p class="faint">
              The first that an appliance falls under holds for it. Under none, it gets what operators roll
              out.
            </p>
            <Table
              label="Policies"
              heads={['Name', 'Whom', 'What they run', 'When', '']}
              empty="There is none: everybody gets what operators roll out."
              rows={policies.map((policy, index) => policyRow(policy, index, look, mayChange))}
            />
          </Card>
          {mayChange ? <NewPolicyCard {...look} /> : ''}
        </>
      ),
    };
  },
  acts: {
    add: {
      scope: 'rollout',
      async run({ coordinator, principal, fields }) {
        await addPolicy(coordinator, principal.actor, policyOf(fields));
        return { to: PATH, done: 'policy_added' };
      },
    },
    raise: {
      scope: 'rollout',
      async run({ coordinator, principal, fields }) {
        await raisePolicy(coordinator, principal.actor, idOf(fields));
        return { to: PATH, done: 'policy_raised' };
      },
    },
    remove: {
      scope: 'rollout',
      async run({ coordinator, principal, fields }) {
        await removePolicy(coordinator, principal.actor, idOf(fields));
        return { to: PATH, done: 'policy_removed' };
      },
    },
  },
};

const idOf = (fields: Fields) => fitting(Id, fields.required('id'), 'the address');

function policyOf(fields: Fields): NewPolicy {
  const text = fields.text('window');
  const window = text === undefined ? null : parseWindow(text);
  if (text !== undefined && window === null)
    throw requestInvalid('the window does not fit: write it like sat,sun 01:00-05:00 Europe/Berlin');
  return {
    name: fitting(DeviceName, fields.required('name'), 'the name'),
    cohort: fields.required('cohort'),
    policy: choiceOf(fields),
    window,
  };
}

function choiceOf(fields: Fields): PolicyChoice {
  const kind = fields.required('kind');
  if (kind === 'auto_latest')
    return fitting(PolicyChoice, { kind, channel: fields.required('channel') }, 'the channel');
  if (kind === 'pinned')
    return fitting(PolicyChoice, { kind, version: fields.required('version') }, 'the version');
  return fitting(PolicyChoice, { kind }, 'the choice');
}

function NewPolicyCard({ form_token, fields }: Look) {
  return (
    <Card id="new-policy" title="Add a policy">
      <ActForm act="add" form_token={form_token}>
        <div class="row">
          <Field label="Name" name="name" value={fields.text('name')} required />
          <Field
            label="Whom"
            name="cohort"
            value={fields.text('cohort')}
            note={'all, tag.ring eq "beta", …'}
            required
          />
        </div>
        <Choice label="What they run" name="kind" options={KINDS} value={fields.text('kind')} />
        <div class="row">
          <Field label="Channel" name="channel" value={fields.text('channel')} note="to follow" />
          <Field label="Version" name="version" value={fields.text('version')} note="to stay at" />
        </div>
        <Field
          label="When they may be given orders"
          name="window"
          value={fields.text('window')}
          note="sat,sun 01:00-05:00 Europe/Berlin; empty: at any time"
        />
        <p>
          <Button label="Add the policy" />
        </p>
      </ActForm>
    </Card>
  );
}

function policyRow(
  { id, name, cohort, policy, window }: PolicyView,
  index: number,
  { form_token }: Look,
  mayChange: boolean,
): JSX.Element {
  const form = (act: string, label: string, kind: 'quiet' | 'danger') => (
    <ActForm act={act} form_token={form_token}>
      <input type="hidden" name="id" value={id} />
      <Button label={label} kind={kind} about={name} />
    </ActForm>
  );
  return (
    <tr>
      <td safe>{name}</td>
      <td>
        <code safe>{cohort}</code>
      </td>
      <td safe>{policyWords(policy)}</td>
      <td safe>{windowWords(window)}</td>
      <td class="row">
        {mayChange && index > 0 ? form('raise', 'Try earlier', 'quiet') : ''}
        {mayChange ? form('remove', 'Remove', 'danger') : ''}
      </td>
    </tr>
  );
}
