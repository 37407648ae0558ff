import { ChainId } from '../../protocol/evidence/record.ts';
import { type DeviceDetails, listChanges, readDevice, readDevices } from '../devices/list.ts';
import { approveDevice, describeDevice, endDevice } from '../devices/operate.ts';
import { listEvidence } from '../evidence/list.ts';
import { settleFork } from '../evidence/settle.ts';
import { listOrders } from '../orders/operate.ts';
import { DeviceName, Id, Reason, Tags } from '../routes/parts.ts';
import { requestInvalid } from '../server/problem.ts';
import { readSite } from '../site/read.ts';
import { ApprovalCard } from './approval.tsx';
import { ChangesCard, FingerprintCard, KeysCard, SummaryCard } from './device-cards.tsx';
import { EvidenceCard } from './evidence-card.tsx';
import { fitting, readTags, writeTags } from './fields.ts';
import { OrderTable } from './order-table.tsx';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Chip, Field, Lines } from './parts.tsx';
import { SiteCard } from './site-card.tsx';
import { DEVICE_TONES, deviceName, linkTo, PRESENCE_TONES } from './words.ts';

/** Of its changes and orders, as many as a person reads; the rest has pages of its own or the API. */
const SHOWN_MAX = 20;

/** One appliance: what it says, what became of it, what is to be done with it. */
export const devicePage: Page = {
  path: '/devices/:id',
  section: '/',
  scope: 'read',
  live: ['deeds', 'states', 'steps', 'time'],
  async show(look) {
    const { coordinator, principal } = look;
    const device = await readDevice(coordinator, idOf(look));
    const mayAct = principal.scopes.has('device');
    const conflicts = await readDevices(coordinator, device.conflicts);
    const changes = await listChanges(coordinator, device.id, SHOWN_MAX);
    const chains = await listEvidence(coordinator, device.id);
    const site = await readSite(coordinator, device.id);
    const orders = await listOrders(coordinator, { device_id: device.id, limit: SHOWN_MAX });
    const { state, presence } = device;
    return {
      title: deviceName(device),
      body: (
        <>
          <div class="title">
            <h1 safe>{deviceName(device)}</h1>
            {state === 'approved' ? (
              <Chip tone={PRESENCE_TONES[presence]} word={presence} />
            ) : (
              <Chip tone={DEVICE_TONES[state]} word={state} />
            )}
          </div>
          {state === 'pending' ? <ApprovalCard look={look} device={device} conflicts={conflicts} /> : ''}
          {state === 'approved' ? (
            <Card id="orders" title="Orders">
              <OrderTable orders={orders} names={null} now_ms={coordinator.now_ms()} />
              <p class="pages">
                {principal.scopes.has('order') ? (
                  <a href={`/devices/${device.id}/order`}>Give an order</a>
                ) : (
                  ''
                )}
                <a href={linkTo('/orders', { device_id: device.id })}>All orders of this appliance</a>
              </p>
            </Card>
          ) : (
            ''
          )}
          <div class="columns">
            <SummaryCard device={device} now_ms={coordinator.now_ms()} />
            <FingerprintCard device={device} />
            {mayAct && state === 'approved' ? <DescribeCard look={look} device={device} /> : ''}
            {state === 'approved' ? <SiteCard site={site} now_ms={coordinator.now_ms()} /> : ''}
            {state === 'approved' ? (
              <EvidenceCard
                chains={chains}
                now_ms={coordinator.now_ms()}
                form_token={mayAct ? look.form_token : null}
              />
            ) : (
              ''
            )}
            <KeysCard device={device} />
          </div>
          <ChangesCard changes={changes} now_ms={coordinator.now_ms()} />
          {mayAct && (state === 'approved' || state === 'pending') ? (
            <EndCard look={look} device={device} />
          ) : (
            ''
          )}
        </>
      ),
    };
  },
  acts: {
    approve: {
      scope: 'device',
      async run(look) {
        const { coordinator, principal, fields } = look;
        const [name, tags] = [fields.text('name'), fields.text('tags')];
        const place = await placeOf(look);
        const id = await approveDevice(
          coordinator,
          principal.actor,
          { id: idOf(look) },
          {
            name: name === undefined ? undefined : fitting(DeviceName, name, 'the name'),
            tags: tags === undefined ? undefined : fitting(Tags, readTags(tags), 'a tag'),
            replaces: place === 'none' ? undefined : place,
          },
        );
        return { to: `/devices/${id}`, done: 'approved' };
      },
    },
    describe: {
      scope: 'device',
      async run(look) {
        const { coordinator, principal, fields } = look;
        const id = idOf(look);
        await describeDevice(coordinator, principal.actor, id, {
          name: fitting(DeviceName, fields.required('name'), 'the name'),
          tags: fitting(Tags, readTags(fields.text('tags')), 'a tag'),
        });
        return { to: `/devices/${id}`, done: 'described' };
      },
    },
    settle: {
      scope: 'device',
      async run(look) {
        const { coordinator, principal, fields } = look;
        const device_id = idOf(look);
        const chain = fitting(ChainId, fields.required('chain'), 'the chain');
        const reason = fitting(Reason, fields.required('reason'), 'the reason');
        await settleFork(coordinator, principal.actor, { device_id, chain, reason });
        return { to: `/devices/${device_id}`, done: 'settled' };
      },
    },
    end: {
      scope: 'device',
      async run(look) {
        const { coordinator, principal, fields } = look;
        const id = idOf(look);
        await endDevice(
          coordinator,
          principal.actor,
          id,
          fitting(Reason, fields.required('reason'), 'the reason'),
        );
        const { state } = await readDevice(coordinator, id);
        return { to: `/devices/${id}`, done: state === 'refused' ? 'refused' : 'revoked' };
      },
    },
  },
};

function idOf({ params }: Look): string {
  return fitting(Id, params['id'], 'the address');
}

/**
 * The record whose place it takes. Where it says to be one that is known, somebody has to have said which it is.
 *
 * @throws BulkheadError REQUEST_INVALID, DEVICE_UNKNOWN
 */
async function placeOf(look: Look): Promise<string> {
  const place = look.fields.text('place');
  if (place !== undefined && place !== 'none') return fitting(Id, place, 'the choice');
  const { conflicts } = await readDevice(look.coordinator, idOf(look));
  const known = await readDevices(look.coordinator, conflicts);
  if (known.length > 0 && place === undefined) throw requestInvalid('say in whose place it comes');
  return 'none';
}

interface DeviceForm {
  look: Look;
  device: DeviceDetails;
}

function DescribeCard({ look: { form_token, fields }, device }: DeviceForm) {
  const tried = fields.text('act') === 'describe';
  return (
    <Card id="describe" title="Name and tags">
      <ActForm act="describe" form_token={form_token}>
        <Field label="Name" name="name" value={tried ? fields.text('name') : deviceName(device)} required />
        <Lines
          label="Tags"
          name="tags"
          value={tried ? (fields.text('tags') ?? '') : writeTags(device.tags)}
          note="name=value, one on a line"
        />
        <p>
          <Button label="Save" />
        </p>
      </ActForm>
    </Card>
  );
}

function EndCard({ look: { form_token, fields }, device }: DeviceForm) {
  const waits = device.state === 'pending';
  const what = waits
    ? 'It stays out, and its key is taken no more.'
    : 'From that moment nothing is taken from its keys. It needs a new key and a new approval to come back.';
  return (
    <Card id="end" title={waits ? 'Refuse it' : 'Revoke it'}>
      <ActForm act="end" form_token={form_token} class="row">
        <Field label="Reason" name="reason" value={fields.text('reason')} note={what} required />
        <p>
          <Button label={waits ? 'Refuse' : 'Revoke'} kind="danger" />
        </p>
      </ActForm>
    </Card>
  );
}
