import { Type as t } from '@sinclair/typebox';
import { VERSION } from '../../base/version.ts';
import type { Scope as ScopeName } from '../people/scopes.ts';
import { Scope } from '../people/scopes.ts';
import { setPassword } from '../people/sign-in.ts';
import { type ApiToken, createToken, listTokens, revokeToken } from '../people/tokens.ts';
import { Id, PersonName } from '../routes/parts.ts';
import { requestInvalid } from '../server/problem.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Fact, Field, Moment, Table } from './parts.tsx';

const DAY_MS = 24 * 60 * 60 * 1000;
const Days = t.Integer({ minimum: 1, maximum: 3650 });

/** One's own password and tokens, and how this coordinator is set. */
export const settingsPage: Page = {
  path: '/settings',
  section: '/settings',
  scope: 'read',
  async show(look) {
    const { principal, coordinator } = look;
    const tokens = await listTokens(coordinator, principal.user_id);
    return {
      title: 'Settings',
      body: (
        <>
          <h1>Settings</h1>
          <div class="columns">
            <PasswordCard {...look} />
            <NewTokenCard {...look} />
            <CoordinatorCard {...look} />
          </div>
          <Card id="tokens" title="Your tokens">
            <Table
              label="Your tokens"
              heads={['Name', 'Scopes', 'Made', 'Ends', '']}
              empty="You have none."
              rows={tokens.map((token) => tokenRow(token, look))}
            />
          </Card>
        </>
      ),
    };
  },
  acts: {
    password: {
      scope: 'read',
      async run({ coordinator, principal, fields }) {
        const password = fields.secret('new_password');
        if (password !== fields.secret('again')) throw requestInvalid('the two passwords are not the same');
        await setPassword(coordinator, { id: principal.user_id, name: principal.name }, password);
        return { to: '/settings', done: 'password' };
      },
    },
    create_token: {
      scope: 'read',
      async run({ coordinator, principal, fields }) {
        const name = fitting(PersonName, fields.required('token_name'), 'the name');
        const scopes = fitting(t.Array(Scope, { minItems: 1 }), fields.all('scopes'), 'the choice of scopes');
        const days = fields.text('days');
        const expires_ms =
          days === undefined
            ? null
            : coordinator.now_ms() + fitting(Days, Number(days), 'the number of days') * DAY_MS;
        const { token } = await createToken(coordinator, principal, { name, scopes, expires_ms });
        return { secret: { what: `The token '${name}':`, value: token, note: 'It is shown this once.' } };
      },
    },
    revoke_token: {
      scope: 'read',
      async run({ coordinator, principal, fields }) {
        await revokeToken(coordinator, principal, fitting(Id, fields.required('id'), 'the token'));
        return { to: '/settings', done: 'token_revoked' };
      },
    },
  },
};

function PasswordCard({ form_token, principal }: Look) {
  return (
    <Card id="password" title="Your password">
      <ActForm act="password" form_token={form_token}>
        <input type="hidden" name="username" value={principal.name} autocomplete="username" />
        <Field
          label="New password"
          name="new_password"
          type="password"
          autocomplete="new-password"
          required
        />
        <Field label="Once more" name="again" type="password" autocomplete="new-password" required />
        <p>
          <Button label="Set the password" />
        </p>
      </ActForm>
    </Card>
  );
}

function NewTokenCard({ form_token, principal, fields }: Look) {
  const chosen = fields.all('scopes');
  return (
    <Card id="new-token" title="A token for a program">
      <ActForm act="create_token" form_token={form_token}>
        <Field label="Name" name="token_name" value={fields.text('token_name')} required />
        <fieldset>
          <legend>Scopes</legend>
          {[...principal.scopes].map((scope: ScopeName) => (
            <label class="choice">
              <input type="checkbox" name="scopes" value={scope} checked={chosen.includes(scope)} />
              <span safe>{scope}</span>
            </label>
          ))}
        </fieldset>
        <Field
          label="Days that it lasts"
          name="days"
          type="number"
          value={fields.text('days')}
          note="empty: for ever"
        />
        <p>
          <Button label="Make the token" />
        </p>
      </ActForm>
    </Card>
  );
}

function CoordinatorCard({ coordinator: { backend, settings } }: Look) {
  return (
    <Card id="coordinator" title="This coordinator">
      <dl class="facts">
        <Fact name="Version" value={VERSION} />
        <Fact name="Database" value={backend === 'sqlite' ? 'SQLite' : 'PostgreSQL'} />
        <Fact name="Heartbeat" value={`every ${settings.heartbeat_interval_s} s`} />
        <Fact name="Oldest agent" value={settings.agent_min_version ?? 'any'} />
        <Fact name="Addresses" value={[...settings.authorities].join(', ')} />
      </dl>
      <p class="small faint">These are set where it is started.</p>
    </Card>
  );
}

function tokenRow(
  { id, name, scopes, created_ms, expires_ms, revoked_ms }: ApiToken,
  look: Look,
): JSX.Element {
  return (
    <tr>
      <td safe>{name}</td>
      <td safe>{scopes.join(', ')}</td>
      <td>
        <Moment at_ms={created_ms} />
      </td>
      <td>
        <Moment at_ms={revoked_ms ?? expires_ms} />
      </td>
      <td>
        {revoked_ms === null ? (
          <ActForm act="revoke_token" form_token={look.form_token}>
            <input type="hidden" name="id" value={id} />
            <Button label="Revoke" kind="danger" about={name} />
          </ActForm>
        ) : (
          <span class="faint">revoked</span>
        )}
      </td>
    </tr>
  );
}
