import { BOARD_PAGE } from '../limits.ts';
import { listRollouts, type RolloutView } from '../rollouts/run/look.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Page } from './page.ts';
import { Ago, Card, Chip, Pages, Table } from './parts.tsx';
import { PHASE_TONES } from './rollout-words.ts';
import { linkTo, plain } from './words.ts';

/** Every rollout, newest first. */
export const rolloutsPage: Page = {
  path: '/rollouts',
  section: '/rollouts',
  scope: 'read',
  live: ['plans', 'deeds', 'time'],
  async show({ coordinator, principal, query }) {
    const given = query.text('before');
    const before = given === undefined ? undefined : fitting(Id, given, 'the address');
    const rollouts = await listRollouts(coordinator, { before, limit: BOARD_PAGE + 1 });
    const shown = rollouts.slice(0, BOARD_PAGE);
    return {
      title: 'Rollouts',
      body: (
        <>
          <h1>Rollouts</h1>
          {principal.scopes.has('rollout') ? (
            <p>
              <a class="button" href="/rollouts/new">
                Draw up a rollout
              </a>{' '}
              <a href="/rollouts/policies">Policies</a>
            </p>
          ) : (
            <p>
              <a href="/rollouts/policies">Policies</a>
            </p>
          )}
          <Card id="rollouts" title="Rollouts">
            <Table
              label="Rollouts"
              heads={['Rollout', 'Version', 'Phase', 'Drawn up', 'By']}
              empty="There is none yet."
              rows={shown.map((rollout) => rolloutRow(rollout, coordinator.now_ms()))}
            />
            <Pages
              what="Pages of rollouts"
              first={before === undefined ? null : '/rollouts'}
              next={rollouts.length > BOARD_PAGE ? linkTo('/rollouts', { before: shown.at(-1)?.id }) : null}
            />
          </Card>
        </>
      ),
    };
  },
};

function rolloutRow(rollout: RolloutView, now_ms: number): JSX.Element {
  return (
    <tr data-key={rollout.id}>
      <td>
        <a href={`/rollouts/${rollout.id}`} safe>
          {rollout.name}
        </a>
      </td>
      <td safe>{rollout.version}</td>
      <td>
        <Chip tone={PHASE_TONES[rollout.phase]} word={plain(rollout.phase)} />
      </td>
      <td>
        <Ago at_ms={rollout.created_ms} now_ms={now_ms} />
      </td>
      <td safe>{rollout.origin === 'auto_latest' ? 'by itself' : rollout.created_by}</td>
    </tr>
  );
}
