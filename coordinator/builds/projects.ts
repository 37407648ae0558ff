import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { ProjectRow } from '../database/build-tables.ts';
import { lockForAll } from '../database/lock.ts';
import type { Database, Work } from '../database/tables.ts';
import { JOB_TIMEOUT_S, PROJECTS_MAX } from './limits.ts';
import type { BuildRule, ProjectRequest } from './project-schema.ts';

/** A project as people see it. */
export type ProjectView = Omit<ProjectRow, 'secret' | 'rules'> & { rules: BuildRule[] };

export function viewProject({ secret: _, rules, ...row }: ProjectRow): ProjectView {
  return { ...row, rules: JSON.parse(rules) as BuildRule[] };
}

/**
 * @returns the project, and the secret for its webhook; it is told this once
 * @throws BulkheadError PROJECT_EXISTS, PROJECTS_TOO_MANY, PROJECT_REPOSITORY
 */
export async function addProject(
  coordinator: Coordinator,
  actor: string,
  wanted: ProjectRequest,
): Promise<{ project: ProjectView; secret: string }> {
  const secret = newSecret(coordinator);
  const now_ms = coordinator.now_ms();
  const made: ProjectRow = {
    ...{ id: newId(coordinator), ...columnsOf(wanted), secret, created_ms: now_ms, created_by: actor },
  };
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const known = await listProjects({ database: work });
    if (known.length >= PROJECTS_MAX)
      throw new BulkheadError('PROJECTS_TOO_MANY', `there are ${PROJECTS_MAX} projects already`);
    requireNewName(known, made);
    await work.insertInto('projects').values(made).execute();
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'project.add', subject: `project:${made.id}`, details: wanted },
    });
  });
  return { project: viewProject(made), secret };
}

/** All of it anew, but the secret. @throws BulkheadError PROJECT_UNKNOWN, PROJECT_EXISTS, PROJECT_REPOSITORY */
export async function changeProject(
  coordinator: Coordinator,
  actor: string,
  id: string,
  wanted: ProjectRequest,
): Promise<ProjectView> {
  return await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const before = await findProject(work, id);
    const after = { ...before, ...columnsOf(wanted) };
    requireNewName(await listProjects({ database: work }), after);
    await work.updateTable('projects').set(columnsOf(wanted)).where('id', '=', id).execute();
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'project.change', subject: `project:${id}`, details: wanted },
    });
    return viewProject(after);
  });
}

/** Its jobs stay as they are. @throws BulkheadError PROJECT_UNKNOWN */
export async function removeProject(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  await coordinator.doWork(async (work) => {
    const { name } = await findProject(work, id);
    await work.deleteFrom('projects').where('id', '=', id).execute();
    await work.deleteFrom('webhook_events').where('project_id', '=', id).execute();
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'project.remove', subject: `project:${id}`, details: { name } },
    });
  });
}

/** Another secret; the one before counts no more. @throws BulkheadError PROJECT_UNKNOWN */
export async function renewSecret(coordinator: Coordinator, actor: string, id: string): Promise<string> {
  const secret = newSecret(coordinator);
  await coordinator.doWork(async (work) => {
    await findProject(work, id);
    await work.updateTable('projects').set({ secret }).where('id', '=', id).execute();
    const deed = { actor, action: 'project.secret', subject: `project:${id}` };
    await recordDeed(work, coordinator.now_ms(), deed);
  });
  return secret;
}

export async function listProjects({ database }: { database: Database | Work }): Promise<ProjectView[]> {
  const rows = await database.selectFrom('projects').selectAll().orderBy('name').execute();
  return rows.map(viewProject);
}

/** @throws BulkheadError PROJECT_UNKNOWN */
export async function findProject(database: Database | Work, id: string): Promise<ProjectRow> {
  const row = await database.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new BulkheadError('PROJECT_UNKNOWN', `there is no project ${id}`);
  return row;
}

function columnsOf({ name, service, repository, rules, timeout_s = JOB_TIMEOUT_S }: ProjectRequest) {
  const url = URL.parse(repository);
  if (url?.password !== '')
    throw new BulkheadError('PROJECT_REPOSITORY', 'the repository cannot be fetched from this address', {
      hint: 'an address without a password is needed: workers have credentials of their own',
    });
  return { name, service, repository, rules: JSON.stringify(rules), timeout_s };
}

function requireNewName(known: readonly ProjectView[], { id, name }: Pick<ProjectRow, 'id' | 'name'>): void {
  if (known.some((one) => one.name === name && one.id !== id))
    throw new BulkheadError('PROJECT_EXISTS', `there is a project ${name} already`);
}

/** 43 characters that every service takes. */
function newSecret(coordinator: Coordinator): string {
  return Buffer.from(coordinator.random(32)).toString('base64url');
}
