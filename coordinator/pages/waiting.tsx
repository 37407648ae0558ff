import { Type as t } from '@sinclair/typebox';
import type { EnrolmentCodeRow } from '../database/tables.ts';
import { findByCode } from '../devices/approve.ts';
import { type DeviceSummary, listDevices } from '../devices/list.ts';
import { addEnrolmentCode, listEnrolmentCodes, revokeEnrolmentCode } from '../devices/operate.ts';
import { FLEET_PAGE } from '../limits.ts';
import { Id, Reason, Tags } from '../routes/parts.ts';
import { fitting, readTags } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Ago, Button, Card, Chip, Field, Lines, Moment, Pages, Table, TagList } from './parts.tsx';
import { linkTo } from './words.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const Uses = t.Integer({ minimum: 1, maximum: 10_000 });
const Days = t.Integer({ minimum: 1, maximum: 365 });

/** Who wants to be let in, and codes that let in by themselves. */
export const waitingPage: Page = {
  path: '/waiting',
  section: '/waiting',
  scope: 'read',
  live: ['deeds', 'time'],
  async show(look) {
    const { coordinator, principal, query } = look;
    const after = query.text('after');
    if (after !== undefined) fitting(Id, after, 'the address');
    const page = await listDevices(coordinator, { state: 'pending', after, limit: FLEET_PAGE });
    const mayAct = principal.scopes.has('device');
    const codes = mayAct ? await listEnrolmentCodes(coordinator) : [];
    return {
      title: 'Let in',
      body: (
        <>
          <h1>Let in</h1>
          {mayAct ? <CodeCard {...look} /> : ''}
          <Card id="waiting" title="Waiting for approval">
            <Table
              label="Waiting for approval"
              heads={['Appliance', 'Serial number', 'MAC address', 'Hardware', 'Came', '']}
              empty="Nobody waits."
              rows={page.devices.map((device) => waitingRow(device, coordinator.now_ms()))}
            />
            <Pages
              what="Pages of those that wait"
              first={after === undefined ? null : '/waiting'}
              next={page.next && linkTo('/waiting', { after: page.next })}
            />
          </Card>
          {mayAct ? (
            <>
              <Card id="codes" title="Codes for sticks">
                <Table
                  label="Codes for sticks"
                  heads={['Note', 'Used', 'Ends', 'Tags', 'Made by', '']}
                  empty="There is none."
                  rows={codes.map((code) => codeRow(code, look))}
                />
              </Card>
              <NewCodeCard {...look} />
            </>
          ) : (
            ''
          )}
        </>
      ),
    };
  },
  acts: {
    find: {
      scope: 'device',
      async run({ coordinator, fields }) {
        const code = fields.required('code');
        const { id } = await coordinator.doWork((work) => findByCode(coordinator, work, code));
        return { to: `/devices/${id}`, done: 'found' };
      },
    },
    create_code: {
      scope: 'device',
      async run({ coordinator, principal, fields }) {
        const days = fitting(Days, Number(fields.required('days')), 'the number of days');
        const { code, note } = await addEnrolmentCode(coordinator, principal.actor, {
          note: fitting(Reason, fields.required('note'), 'the note'),
          uses_max: fitting(Uses, Number(fields.required('uses')), 'the number of uses'),
          tags: fitting(Tags, readTags(fields.text('tags')), 'a tag'),
          expires_ms: coordinator.now_ms() + days * DAY_MS,
        });
        const text = 'It is shown this once. Put it into config.yaml on the stick.';
        return { secret: { what: `The code for '${note}':`, value: code, note: text } };
      },
    },
    revoke_code: {
      scope: 'device',
      async run({ coordinator, principal, fields }) {
        await revokeEnrolmentCode(
          coordinator,
          principal.actor,
          fitting(Id, fields.required('id'), 'the code'),
        );
        return { to: '/waiting', done: 'code_revoked' };
      },
    },
  },
};

function CodeCard({ form_token, fields }: Look) {
  return (
    <Card id="by-code" title="By the code that it shows">
      <ActForm act="find" form_token={form_token} class="row">
        <Field
          label="Code"
          name="code"
          value={fields.text('code')}
          note="16 characters, on the status page and the screen of the appliance"
          required
        />
        <p>
          <Button label="Find the appliance" />
        </p>
      </ActForm>
    </Card>
  );
}

function NewCodeCard({ form_token, fields }: Look) {
  return (
    <Card id="new-code" title="A code for a stick">
      <ActForm act="create_code" form_token={form_token}>
        <Field
          label="Note"
          name="note"
          value={fields.text('note')}
          note="what it is for: Berlin, March"
          required
        />
        <div class="row">
          <Field label="Appliances" name="uses" type="number" value={fields.text('uses') ?? '1'} required />
          <Field label="Days" name="days" type="number" value={fields.text('days') ?? '14'} required />
        </div>
        <Lines label="Tags" name="tags" value={fields.text('tags') ?? ''} note="name=value, one on a line" />
        <p>
          <Button label="Make the code" />
        </p>
      </ActForm>
    </Card>
  );
}

function waitingRow(device: DeviceSummary, now_ms: number): JSX.Element {
  return (
    <tr>
      <td>
        <a href={`/devices/${device.id}`} safe>
          {device.hostname}
        </a>
      </td>
      <td safe>{device.serial ?? 'not known'}</td>
      <td safe>{device.mac ?? 'not known'}</td>
      <td safe>{device.hardware ?? 'not known'}</td>
      <td>
        <Ago at_ms={device.created_ms} now_ms={now_ms} />
      </td>
      <td>{device.conflicts.length > 0 ? <Chip tone="bad" word="says it is one you know" /> : ''}</td>
    </tr>
  );
}

function codeRow(code: EnrolmentCodeRow, { form_token, coordinator }: Look): JSX.Element {
  const works =
    code.revoked_ms === null && code.used < code.uses_max && code.expires_ms > coordinator.now_ms();
  return (
    <tr>
      <td safe>{code.note}</td>
      <td safe>{`${code.used} of ${code.uses_max}`}</td>
      <td>
        <Moment at_ms={code.revoked_ms ?? code.expires_ms} />
      </td>
      <td>
        <TagList tags={JSON.parse(code.tags) as Record<string, string>} />
      </td>
      <td safe>{code.created_by}</td>
      <td>
        {works ? (
          <ActForm act="revoke_code" form_token={form_token}>
            <input type="hidden" name="id" value={code.id} />
            <Button label="Revoke" kind="danger" about={code.note} />
          </ActForm>
        ) : (
          <span class="faint">over</span>
        )}
      </td>
    </tr>
  );
}
