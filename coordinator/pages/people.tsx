import { OneOf } from '../../base/schema.ts';
import { ROLES } from '../people/scopes.ts';
import { addUser, changeUser, listUsers, type User } from '../people/users.ts';
import { Id, PersonName } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Chip, Choice, Field, Moment, Table } from './parts.tsx';
import { timeText } from './words.ts';

const Role = OneOf(ROLES);
const ROLE_OPTIONS = ROLES.map((role) => [role, role] as const);

/** Who may sign in, and what they may do. */
export const peoplePage: Page = {
  path: '/people',
  section: '/people',
  scope: 'admin',
  async show(look) {
    const users = await listUsers(look.coordinator);
    const { form_token, fields } = look;
    return {
      title: 'People',
      body: (
        <>
          <h1>People</h1>
          <Card id="people" title="Who may sign in">
            <Table
              label="Who may sign in"
              heads={['Name', 'State', 'Since', 'Role', '']}
              empty="There is nobody."
              rows={users.map((user) => userRow(user, look))}
            />
          </Card>
          <Card id="add" title="Add somebody">
            <ActForm act="add" form_token={form_token} class="row">
              <Field label="Name" name="name" value={fields.text('name')} required />
              <Choice label="Role" name="role" value={fields.text('role')} options={ROLE_OPTIONS} />
              <p>
                <Button label="Add" />
              </p>
            </ActForm>
            <p class="small faint">A viewer looks, an operator runs the fleet, an admin decides who may.</p>
          </Card>
        </>
      ),
    };
  },
  acts: {
    add: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        const name = fitting(PersonName, fields.required('name'), 'the name');
        const role = fitting(Role, fields.required('role'), 'the role');
        const { code, expires_ms } = await addUser(coordinator, principal, { name, role });
        const note = `It works once, until ${timeText(expires_ms)}, and is shown this once.`;
        return { secret: { what: `The code that signs ${name} in:`, value: code, note } };
      },
    },
    change_role: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        const role = fitting(Role, fields.required('role'), 'the role');
        await changeUser(coordinator, principal, fitting(Id, fields.required('id'), 'the person'), { role });
        return { to: '/people', done: 'user_changed' };
      },
    },
    disable: { scope: 'admin', run: (look) => setDisabled(look, true) },
    enable: { scope: 'admin', run: (look) => setDisabled(look, false) },
  },
};

async function setDisabled({ coordinator, principal, fields }: Look, disabled: boolean) {
  await changeUser(coordinator, principal, fitting(Id, fields.required('id'), 'the person'), { disabled });
  return { to: '/people', done: 'user_changed' } as const;
}

function userRow({ id, name, role, created_ms, disabled_ms }: User, { form_token }: Look): JSX.Element {
  const enabled = disabled_ms === null;
  return (
    <tr>
      <td safe>{name}</td>
      <td>
        <Chip tone={enabled ? 'good' : 'bad'} word={enabled ? 'may sign in' : 'is kept out'} />
      </td>
      <td>
        <Moment at_ms={disabled_ms ?? created_ms} />
      </td>
      <td>
        <ActForm act="change_role" form_token={form_token} class="row">
          <input type="hidden" name="id" value={id} />
          <label>
            <span class="unseen" safe>{`Role of ${name}`}</span>
            <select name="role">
              {ROLES.map((option) => (
                <option value={option} selected={option === role} safe>
                  {option}
                </option>
              ))}
            </select>
          </label>
          <Button label="Set" kind="quiet" about={`the role of ${name}`} />
        </ActForm>
      </td>
      <td>
        <ActForm act={enabled ? 'disable' : 'enable'} form_token={form_token}>
          <input type="hidden" name="id" value={id} />
          <Button
            label={enabled ? 'Keep out' : 'Let in again'}
            kind={enabled ? 'danger' : 'quiet'}
            about={name}
          />
        </ActForm>
      </td>
    </tr>
  );
}
