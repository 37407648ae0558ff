import { OneOf } from '../../base/schema.ts';
import { SEVERITIES } from '../alarms/kinds.ts';
import type { DeliveryRow } from '../database/alarm-tables.ts';
import {
  addChannel,
  type ChannelView,
  listChannels,
  type NewChannel,
  removeChannel,
  testChannel,
} from '../delivery/channels.ts';
import { listDeliveries, retryDelivery } from '../delivery/queue.ts';
import { BOARD_PAGE } from '../limits.ts';
import { ChannelUrl, MatrixRoom, MatrixToken } from '../routes/channels.ts';
import { DeviceName, Id } from '../routes/parts.ts';
import { type Fields, fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Ago, Button, Card, Chip, Choice, Field, Table } from './parts.tsx';
import type { Tone } from './words.ts';

const LEAST = SEVERITIES.map(
  (name) => [name, name === 'warning' ? 'all' : 'critical ones'] as const,
).reverse();
const TONES: Readonly<Record<DeliveryRow['state'], Tone>> = {
  waiting: 'wait',
  delivered: 'good',
  dead: 'bad',
};

/** Where alarms are sent, and whether they get there. */
export const channelsPage: Page = {
  path: '/alarms/channels',
  section: '/alarms',
  scope: 'read',
  async show(look) {
    const { coordinator, principal } = look;
    const channels = await listChannels(coordinator);
    const deliveries = await listDeliveries(coordinator, { limit: BOARD_PAGE });
    const names = new Map(channels.map(({ id, name }) => [id, name]));
    return {
      title: 'Where alarms go',
      body: (
        <>
          <h1>Where alarms go</h1>
          <Card id="channels" title="Channels">
            <Table
              label="Channels"
              heads={['Name', 'To', 'Alarms', '']}
              empty="Alarms are on this page alone: nobody is told."
              rows={channels.map((channel) => channelRow(channel, look))}
            />
          </Card>
          {principal.scopes.has('admin') ? <NewChannels {...look} /> : ''}
          <Card id="deliveries" title="Messages">
            <Table
              label="Messages"
              heads={['Made', 'Channel', 'State', 'Tries', 'Why', '']}
              empty="None was sent."
              rows={deliveries.map((delivery) => deliveryRow(delivery, names, look))}
            />
          </Card>
        </>
      ),
    };
  },
  acts: {
    add: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        const { secret } = await addChannel(coordinator, principal.actor, channelOf(fields));
        if (secret === null) return { to: '/alarms/channels', done: 'channel_added' };
        const what = 'Messages to this webhook are signed with:';
        return { secret: { what, value: secret, note: 'Give it to the receiver. It is shown this once.' } };
      },
    },
    remove: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        await removeChannel(coordinator, principal.actor, idOf(fields));
        return { to: '/alarms/channels', done: 'channel_removed' };
      },
    },
    test: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        await testChannel(coordinator, principal.actor, idOf(fields));
        return { to: '/alarms/channels', done: 'channel_tested' };
      },
    },
    retry: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        await retryDelivery(coordinator, principal.actor, idOf(fields));
        return { to: '/alarms/channels', done: 'channel_tested' };
      },
    },
  },
};

const idOf = (fields: Fields) => fitting(Id, fields.required('id'), 'the address');

function channelOf(fields: Fields): NewChannel {
  const name = fitting(DeviceName, fields.required('name'), 'the name');
  const url = fitting(ChannelUrl, fields.required('url'), 'the address');
  const least = fitting(OneOf(SEVERITIES), fields.required('least'), 'the choice');
  if (fields.text('kind') !== 'matrix') return { kind: 'webhook', name, url, least };
  const room = fitting(MatrixRoom, fields.required('room'), 'the room');
  const access_token = fitting(MatrixToken, fields.secret('access_token'), 'the access token');
  return { kind: 'matrix', name, url, least, room, access_token };
}

function NewChannels({ form_token, fields }: Look) {
  const kind = fields.text('kind');
  const common = (mine: string) => (
    <>
      <input type="hidden" name="kind" value={mine} />
      <Field label="Name" name="name" value={kind === mine ? fields.text('name') : undefined} required />
    </>
  );
  const url = (mine: string) => (kind === mine ? fields.text('url') : undefined);
  return (
    <div class="columns">
      <Card id="new-webhook" title="Add a webhook">
        <ActForm act="add" form_token={form_token}>
          {common('webhook')}
          <Field label="Address" name="url" value={url('webhook')} note="gets signed JSON by POST" required />
          <Choice label="Alarms" name="least" options={LEAST} />
          <p>
            <Button label="Add the webhook" />
          </p>
        </ActForm>
      </Card>
      <Card id="new-matrix" title="Add a Matrix room">
        <ActForm act="add" form_token={form_token}>
          {common('matrix')}
          <Field label="Homeserver" name="url" value={url('matrix')} required />
          <Field label="Room" name="room" value={fields.text('room')} note="!abc:example.org" required />
          <Field label="Access token" name="access_token" type="password" required />
          <Choice label="Alarms" name="least" options={LEAST} />
          <p>
            <Button label="Add the room" />
          </p>
        </ActForm>
      </Card>
    </div>
  );
}

function channelRow({ id, name, kind, url, room, least }: ChannelView, look: Look): JSX.Element {
  const form = (act: string, label: string, tone: 'quiet' | 'danger') => (
    <ActForm act={act} form_token={look.form_token}>
      <input type="hidden" name="id" value={id} />
      <Button label={label} kind={tone} about={name} />
    </ActForm>
  );
  return (
    <tr>
      <td safe>{name}</td>
      <td safe>{`${kind === 'matrix' ? `Matrix room ${room} at ` : ''}${url}`}</td>
      <td safe>{least === 'warning' ? 'all' : 'critical ones'}</td>
      <td class="row">
        {look.principal.scopes.has('admin') ? (
          <>
            {form('test', 'Test', 'quiet')}
            {form('remove', 'Remove', 'danger')}
          </>
        ) : (
          ''
        )}
      </td>
    </tr>
  );
}

function deliveryRow(
  { id, channel_id, created_ms, state, attempts, error }: DeliveryRow,
  names: ReadonlyMap<string, string>,
  { coordinator, principal, form_token }: Look,
): JSX.Element {
  return (
    <tr>
      <td>
        <Ago at_ms={created_ms} now_ms={coordinator.now_ms()} />
      </td>
      <td safe>{names.get(channel_id) ?? channel_id}</td>
      <td>
        <Chip tone={TONES[state]} word={state} />
      </td>
      <td>{attempts}</td>
      <td safe>{error ?? ''}</td>
      <td>
        {state === 'dead' && principal.scopes.has('admin') ? (
          <ActForm act="retry" form_token={form_token}>
            <input type="hidden" name="id" value={id} />
            <Button label="Try again" kind="quiet" />
          </ActForm>
        ) : (
          ''
        )}
      </td>
    </tr>
  );
}
