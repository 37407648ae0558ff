import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { DeviceState, FilterRow } from '../database/tables.ts';
import { type Principal, requireScope } from '../people/authorise.ts';
import { parseQuery } from '../rollouts/cohort/parse-query.ts';
import { FILTERS_MAX } from './limits.ts';

/** A look at the fleet that has a name. */
export interface FilterView {
  id: string;
  name: string;
  /** Everyone sees it. */
  shared: boolean;
  /** It belongs to who asks. */
  own: boolean;
  state: DeviceState;
  search: string | null;
  cohort: string | null;
}

export type NewFilter = Omit<FilterView, 'id' | 'own'>;

/** Sharing, and taking away what is shared, is for who runs the fleet. */
const SHARING = 'device';

/** What somebody sees: their own, and those that are shared; by name. */
export async function listFilters(
  { database }: Coordinator,
  { user_id }: Pick<Principal, 'user_id'>,
): Promise<FilterView[]> {
  const rows = await database
    .selectFrom('filters')
    .selectAll()
    .where((where) => where.or([where('user_id', '=', user_id), where('shared', '=', 1)]))
    .orderBy('name')
    .orderBy('id')
    .execute();
  return rows.map((row) => viewFilter(row, user_id));
}

/**
 * Saves a filter; one of the same name of the same person is replaced.
 *
 * @throws BulkheadError COHORT_QUERY_INVALID, FORBIDDEN, FILTERS_TOO_MANY
 */
export async function saveFilter(
  coordinator: Coordinator,
  principal: Principal,
  { name, shared, state, search, cohort }: NewFilter,
): Promise<FilterView> {
  const { user_id, actor } = principal;
  if (cohort !== null) parseQuery(cohort);
  if (shared) requireScope(principal, SHARING);
  const created_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    const own = await work.selectFrom('filters').selectAll().where('user_id', '=', user_id).execute();
    const same = own.find((filter) => filter.name === name);
    if (same === undefined && own.length >= FILTERS_MAX)
      throw new BulkheadError('FILTERS_TOO_MANY', `you have saved ${FILTERS_MAX} filters already`, {
        hint: 'take away one that you do not need',
      });
    if (same?.shared === 1) requireScope(principal, SHARING);
    const row: FilterRow = {
      ...{ id: same?.id ?? newId(coordinator), user_id, name, shared: Number(shared) },
      ...{ state, search, cohort, created_ms },
    };
    await work
      .insertInto('filters')
      .values(row)
      .onConflict((conflict) => conflict.columns(['user_id', 'name']).doUpdateSet(row))
      .execute();
    const details = { name, shared, state, search, cohort };
    await recordDeed(work, created_ms, {
      ...{ actor, action: 'filter.save', subject: `filter:${row.id}`, details },
    });
    return viewFilter(row, user_id);
  });
}

/** @throws BulkheadError FILTER_UNKNOWN, also for one of somebody else; FORBIDDEN */
export async function removeFilter(
  coordinator: Coordinator,
  principal: Principal,
  id: string,
): Promise<void> {
  const { user_id, actor } = principal;
  await coordinator.doWork(async (work) => {
    const filter = await work.selectFrom('filters').selectAll().where('id', '=', id).executeTakeFirst();
    if (!filter || (filter.user_id !== user_id && filter.shared === 0))
      throw new BulkheadError('FILTER_UNKNOWN', `there is no filter ${id}`);
    if (filter.shared === 1) requireScope(principal, SHARING);
    await work.deleteFrom('filters').where('id', '=', id).execute();
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'filter.remove', subject: `filter:${id}`, details: { name: filter.name } },
    });
  });
}

function viewFilter(
  { id, name, shared, state, search, cohort, user_id }: FilterRow,
  asking: string,
): FilterView {
  return { id, name, shared: shared === 1, own: user_id === asking, state, search, cohort };
}
