import { BulkheadError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import type { DeviceState } from '../database/tables.ts';
import { countDevices, type DeviceSummary, listDevices } from '../devices/list.ts';
import { FLEET_PAGE } from '../limits.ts';
import { parseQuery } from '../rollouts/cohort/parse-query.ts';
import type { Query } from '../rollouts/cohort/query.ts';
import { DEVICE_STATES, Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import { FILTER_ACTS, FiltersCard } from './fleet-filters.tsx';
import type { Look, Page } from './page.ts';
import { Ago, Card, Chip, Field, Pages, Table, Tabs, TagList } from './parts.tsx';
import { DEVICE_TONES, deviceName, linkTo, PRESENCE_TONES, plain, updateUnderWay } from './words.ts';

/** The fleet, searched by words and by the query language of rollouts. */
export const fleetPage: Page = {
  path: '/',
  section: '/',
  scope: 'read',
  live: ['deeds', 'states', 'steps', 'time'],
  async show(look) {
    const { coordinator, query } = look;
    const state = fitting(OneOf(DEVICE_STATES), query.text('state') ?? 'approved', 'the state');
    const [search, cohort] = [query.text('search')?.slice(0, 100), query.text('cohort')];
    const after = query.text('after');
    if (after !== undefined) fitting(Id, after, 'the address');
    const asked = readCohort(cohort);
    const page =
      asked instanceof BulkheadError
        ? { devices: [], next: null }
        : await listDevices(coordinator, { state, search, cohort: asked, after, limit: FLEET_PAGE });
    const counts = await countDevices(coordinator);
    const here = (more: Record<string, string | undefined>) =>
      linkTo('/', { state, search, cohort, ...more });
    return {
      title: 'Fleet',
      body: (
        <>
          <h1>Fleet</h1>
          <search class="card stack">
            <form class="row" method="get" action="/">
              <input type="hidden" name="state" value={state} />
              <Field
                label="Search"
                name="search"
                type="search"
                value={search}
                note="name, host name, serial, MAC"
              />
              <Field
                label="Query"
                name="cohort"
                value={cohort}
                note='tag.site eq "berlin" and version lt "1.2.0"'
              />
              <p>
                <button type="submit">Find</button>
              </p>
            </form>
            {asked instanceof BulkheadError ? (
              <p class="message bad" role="alert">
                <span safe>{asked.message}</span> <code safe>{asked.code}</code>
              </p>
            ) : (
              ''
            )}
          </search>
          {await FiltersCard({ look, shown: { state, search, cohort } })}
          <Card id="appliances" title="Appliances">
            <Tabs label="State" tabs={DEVICE_STATES.map((name) => tab(name, state, counts, look))} />
            <Table
              label="Appliances"
              heads={['Appliance', 'State', 'Heard', 'Version', 'Hardware', 'Tags']}
              empty={page.next === null ? 'There is none.' : 'None so far: the next page looks further.'}
              rows={page.devices.map((device) => row(device, coordinator.now_ms()))}
            />
            {cohort === undefined ||
            asked instanceof BulkheadError ||
            !look.principal.scopes.has('rollout') ? (
              ''
            ) : (
              <p>
                <a href={linkTo('/rollouts/new', { cohort })}>Draw up a rollout for these</a>
              </p>
            )}
            <Pages
              what="Pages of the fleet"
              first={after === undefined ? null : here({})}
              next={page.next && here({ after: page.next })}
            />
          </Card>
        </>
      ),
    };
  },
  acts: FILTER_ACTS,
};

/** A query that cannot be read is told beside its field, on a page that stands. */
function readCohort(text: string | undefined): Query | undefined | BulkheadError {
  if (text === undefined) return undefined;
  try {
    return parseQuery(text);
  } catch (error) {
    if (error instanceof BulkheadError) return error;
    throw error;
  }
}

function tab(name: DeviceState, shown: DeviceState, counts: Record<DeviceState, number>, { query }: Look) {
  const [search, cohort] = [query.text('search'), query.text('cohort')];
  const title = `${plain(name)} (${counts[name].toLocaleString('en')})`;
  return { href: linkTo('/', { state: name, search, cohort }), title, current: name === shown };
}

function row(device: DeviceSummary, now_ms: number): JSX.Element {
  const { id, state, presence, hostname, name } = device;
  const underWay = updateUnderWay(device);
  return (
    <tr data-key={id}>
      <td>
        <a href={`/devices/${id}`} safe>
          {deviceName(device)}
        </a>
        {name === null ? (
          ''
        ) : (
          <small class="faint" safe>
            {hostname}
          </small>
        )}
      </td>
      <td>
        {state === 'approved' ? (
          <Chip tone={PRESENCE_TONES[presence]} word={presence} />
        ) : (
          <Chip tone={DEVICE_TONES[state]} word={state} />
        )}
        {device.conflicts.length > 0 && state === 'pending' ? <Chip tone="bad" word="conflict" /> : ''}
      </td>
      <td>
        <Ago at_ms={device.heard_ms} now_ms={now_ms} />
      </td>
      <td>
        <span safe>{device.image_version ?? 'not known'}</span>
        {underWay === null ? (
          ''
        ) : (
          <small class="faint" safe>
            {underWay}
          </small>
        )}
      </td>
      <td safe>{device.hardware ?? 'not known'}</td>
      <td>
        <TagList tags={device.tags} />
      </td>
    </tr>
  );
}
