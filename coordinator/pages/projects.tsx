import { Type as t } from '@sinclair/typebox';
import { ProjectRequest, SERVICES } from '../builds/project-schema.ts';
import {
  addProject,
  listProjects,
  type ProjectView,
  removeProject,
  renewSecret,
} from '../builds/projects.ts';
import { Id } from '../routes/parts.ts';
import { type Fields, fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Choice, Field, Lines, Table } from './parts.tsx';
import { linkTo } from './words.ts';

const SERVICE_OPTIONS = SERVICES.map(
  (name) => [name, { github: 'GitHub', gitlab: 'GitLab', gitea: 'Gitea' }[name]] as const,
);
const Minutes = t.Integer({ minimum: 1, maximum: 1440 });
const idOf = (fields: Fields) => fitting(Id, fields.required('id'), 'the project');

/** Repositories whose pushes are built. */
export const projectsPage: Page = {
  path: '/projects',
  section: '/builds',
  scope: 'read',
  async show(look) {
    const projects = await listProjects(look.coordinator);
    return {
      title: 'What is built',
      body: (
        <>
          <h1>What is built</h1>
          <Card id="projects" title="Projects">
            <Table
              label="Projects"
              heads={['Name', 'Repository', 'Rules', 'Webhook', '']}
              empty="Nothing is built here."
              rows={projects.map((project) => projectRow(project, look))}
            />
          </Card>
          {look.principal.scopes.has('admin') ? <NewProject {...look} /> : ''}
        </>
      ),
    };
  },
  acts: {
    add: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        const minutes = fields.text('minutes');
        const timeout_s =
          minutes === undefined ? undefined : fitting(Minutes, Number(minutes), 'the number of minutes') * 60;
        const wanted = fitting(
          ProjectRequest,
          {
            ...{ name: fields.required('name'), service: fields.required('service') },
            repository: fields.required('repository'),
            rules: [
              {
                ...{ ref: fields.required('ref'), channel: fields.required('channel') },
                command: fields.required('command'),
              },
            ],
            ...(timeout_s === undefined ? {} : { timeout_s }),
          },
          'the project',
        );
        const { project, secret } = await addProject(coordinator, principal.actor, wanted);
        const note = `Set it in the repository, for a webhook to /webhooks/${project.id} of this coordinator that sends JSON. It is shown this once.`;
        return { secret: { what: `The secret of ${project.name}:`, value: secret, note } };
      },
    },
    remove: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        await removeProject(coordinator, principal.actor, idOf(fields));
        return { to: '/projects', done: 'project_removed' };
      },
    },
    secret: {
      scope: 'admin',
      async run({ coordinator, principal, fields }) {
        const value = await renewSecret(coordinator, principal.actor, idOf(fields));
        const note = 'The one before counts no more. It is shown this once.';
        return { secret: { what: 'The new secret:', value, note } };
      },
    },
  },
};

function NewProject({ form_token, fields }: Look) {
  const field = (label: string, name: string, note?: string) => (
    <Field label={label} name={name} value={fields.text(name)} required {...(note ? { note } : {})} />
  );
  return (
    <Card id="new-project" title="Build what is pushed to a repository">
      <ActForm act="add" form_token={form_token}>
        {field('Name', 'name', 'small letters, digits, dots and dashes')}
        <Choice label="Service" name="service" value={fields.text('service')} options={SERVICE_OPTIONS} />
        {field('Repository', 'repository', 'where workers fetch it')}
        {field('Ref', 'ref', 'such as refs/heads/main or refs/tags/v*')}
        {field('Channel', 'channel', 'which releases of it belong to')}
        <Lines
          label="Command"
          name="command"
          value={fields.text('command') ?? ''}
          note="run by sh in the checkout; leaves a bundle in $BULKHEAD_OUTPUT"
        />
        <Field label="Minutes" name="minutes" type="number" value={fields.text('minutes')} note="empty: 60" />
        <p>
          <Button label="Add the project" />
        </p>
      </ActForm>
    </Card>
  );
}

function projectRow({ id, name, service, repository, rules }: ProjectView, look: Look): JSX.Element {
  const form = (act: string, label: string, kind: 'quiet' | 'danger') => (
    <ActForm act={act} form_token={look.form_token}>
      <input type="hidden" name="id" value={id} />
      <Button label={label} kind={kind} about={name} />
    </ActForm>
  );
  return (
    <tr>
      <td>
        <a href={linkTo('/builds', { project_id: id })} safe>
          {name}
        </a>
      </td>
      <td safe>{`${repository} (${service})`}</td>
      <td>
        {rules.map(({ ref, channel, command }) => (
          <div>
            <code safe>{ref}</code> <span safe>{`for ${channel}:`}</span> <code safe>{command}</code>
          </div>
        ))}
      </td>
      <td>
        <code safe>{`/webhooks/${id}`}</code>
      </td>
      <td class="row">
        {look.principal.scopes.has('admin') ? (
          <>
            {form('secret', 'New secret', 'quiet')}
            {form('remove', 'Remove', 'danger')}
          </>
        ) : (
          ''
        )}
      </td>
    </tr>
  );
}
