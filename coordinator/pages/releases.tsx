import type { ReleaseView } from '../releases/read.ts';
import { countVersions, listReleases } from '../releases/read.ts';
import type { Page } from './page.ts';
import { Ago, Card, Chip, Table } from './parts.tsx';
import { countText } from './words.ts';

/** What there is to roll out. */
export const releasesPage: Page = {
  path: '/releases',
  section: '/releases',
  scope: 'read',
  live: ['deeds', 'states', 'time'],
  async show({ coordinator, principal }) {
    const releases = await listReleases(coordinator, {});
    const running = new Map(
      (await countVersions(coordinator.database)).map(({ version, devices }) => [version, devices]),
    );
    const fleet = [...running.values()].reduce((sum, one) => sum + one, 0);
    return {
      title: 'Releases',
      body: (
        <>
          <h1>Releases</h1>
          <p class="row">
            {principal.scopes.has('release') ? (
              <a class="button" href="/releases/new">
                Publish a release
              </a>
            ) : (
              ''
            )}
            <a class="button quiet" href="/releases/keys">
              Keys that are trusted
            </a>
          </p>
          <Card id="releases" title="Releases">
            <Table
              label="Releases"
              heads={['Version', 'Channel', 'Hardware', 'Published', 'Runs on', '']}
              empty="Nothing was published yet."
              rows={releases.map((release) =>
                releaseRow(release, {
                  running: running.get(release.version) ?? 0,
                  fleet,
                  now_ms: coordinator.now_ms(),
                }),
              )}
            />
          </Card>
        </>
      ),
    };
  },
};

function releaseRow(
  release: ReleaseView,
  { running, fleet, now_ms }: { running: number; fleet: number; now_ms: number },
): JSX.Element {
  return (
    <tr data-key={release.id}>
      <td>
        <a href={`/releases/${release.id}`} safe>
          {release.version}
        </a>
      </td>
      <td safe>{release.channel}</td>
      <td safe>{release.compatible.join(', ')}</td>
      <td>
        <Ago at_ms={release.created_ms} now_ms={now_ms} />
      </td>
      <td safe>{shareText(running, fleet)}</td>
      <td>{release.withdrawn_ms === null ? '' : <Chip tone="bad" word="withdrawn" />}</td>
    </tr>
  );
}

/** `12 appliances (8 %)`. */
export function shareText(running: number, fleet: number): string {
  const share = fleet === 0 ? '' : ` (${Math.round((running / fleet) * 100)} %)`;
  return running === 0 ? 'none' : countText(running, 'appliance') + share;
}
