import type { DeviceState } from '../database/tables.ts';
import { type FilterView, listFilters, removeFilter, saveFilter } from '../filters/filters.ts';
import { NewFilter } from '../routes/filters.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Act, Look } from './page.ts';
import { ActForm, Button, Card, Chip, Field, Table } from './parts.tsx';
import { linkTo, plain } from './words.ts';

/** What the fleet page shows now. */
interface Shown {
  state: DeviceState;
  search: string | undefined;
  cohort: string | undefined;
}

/** Looks at the fleet that were given a name: use, save, take away. */
export async function FiltersCard({ look, shown }: { look: Look; shown: Shown }): Promise<JSX.Element> {
  const filters = await listFilters(look.coordinator, look.principal);
  const asks = shown.search !== undefined || shown.cohort !== undefined;
  if (filters.length === 0 && !asks) return '';
  return (
    <Card id="filters" title="Saved filters">
      <div class="stack">
        {filters.length === 0 ? (
          ''
        ) : (
          <nav class="tabs" aria-label="Saved filters">
            {filters.map((filter) => (
              <a
                href={addressOf(filter)}
                {...(isShown(filter, shown) ? { 'aria-current': 'true' as const } : {})}
                safe
              >
                {filter.name}
              </a>
            ))}
          </nav>
        )}
        {asks ? <SaveForm look={look} shown={shown} /> : ''}
        {filters.length === 0 ? (
          ''
        ) : (
          <details>
            <summary>Change</summary>
            <Table
              label="Saved filters"
              heads={['Name', 'Whose', 'Looks for', '']}
              empty=""
              rows={filters.map((filter) => filterRow(filter, look))}
            />
          </details>
        )}
      </div>
    </Card>
  );
}

export const FILTER_ACTS: Readonly<Record<string, Act>> = {
  save_filter: {
    scope: 'read',
    async run({ coordinator, principal, fields }) {
      const wanted = {
        ...{ name: fields.required('name'), shared: fields.text('shared') !== undefined },
        ...{ state: fields.required('state'), search: fields.text('search') ?? null },
        cohort: fields.text('cohort') ?? null,
      };
      const fit = fitting(NewFilter, wanted, 'the filter');
      const filter = await saveFilter(coordinator, principal, { ...fit, shared: wanted.shared });
      return { to: addressOf(filter), done: 'filter_saved' };
    },
  },
  remove_filter: {
    scope: 'read',
    async run({ coordinator, principal, fields }) {
      await removeFilter(coordinator, principal, fitting(Id, fields.required('id'), 'the filter'));
      return { to: '/', done: 'filter_removed' };
    },
  },
};

function addressOf({ state, search, cohort }: Pick<FilterView, 'state' | 'search' | 'cohort'>): string {
  return linkTo('/', { state, search: search ?? undefined, cohort: cohort ?? undefined });
}

const isShown = ({ state, search, cohort }: FilterView, shown: Shown) =>
  state === shown.state && search === (shown.search ?? null) && cohort === (shown.cohort ?? null);

function SaveForm({ look, shown }: { look: Look; shown: Shown }) {
  return (
    <ActForm act="save_filter" form_token={look.form_token} class="row">
      <input type="hidden" name="state" value={shown.state} />
      <input type="hidden" name="search" value={shown.search ?? ''} />
      <input type="hidden" name="cohort" value={shown.cohort ?? ''} />
      <Field
        label="Save what is shown as"
        name="name"
        value={look.fields.text('name')}
        note="one of yours with the same name is replaced"
        required
      />
      {look.principal.scopes.has('device') ? (
        <label class="choice">
          <input type="checkbox" name="shared" value="yes" />
          <span>for everyone</span>
        </label>
      ) : (
        ''
      )}
      <p>
        <Button label="Save" kind="quiet" />
      </p>
    </ActForm>
  );
}

function filterRow(filter: FilterView, { form_token, principal }: Look): JSX.Element {
  const { id, name, shared, own, state, search, cohort } = filter;
  const asks = [plain(state), search === null ? '' : `'${search}'`, cohort ?? ''].filter(Boolean).join(' · ');
  return (
    <tr data-key={id}>
      <td safe>{name}</td>
      <td>
        {own ? 'yours' : ''} {shared ? <Chip tone="plain" word="shared" /> : ''}
      </td>
      <td safe>{asks}</td>
      <td>
        {shared && !principal.scopes.has('device') ? (
          ''
        ) : (
          <ActForm act="remove_filter" form_token={form_token}>
            <input type="hidden" name="id" value={id} />
            <Button label="Take away" kind="danger" about={name} />
          </ActForm>
        )}
      </td>
    </tr>
  );
}
