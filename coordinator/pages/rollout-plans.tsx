import { Type as t } from '@sinclair/typebox';
import { BOARD_PAGE } from '../limits.ts';
import { listPlans, previewRollout, readRollout } from '../rollouts/run/look.ts';
import { fitting } from './fields.ts';
import type { Page } from './page.ts';
import { Card, Chip, Moment, Pages, Table } from './parts.tsx';
import { rolloutId } from './rollout.tsx';
import { PHASE_TONES } from './rollout-words.ts';
import { linkTo, plain } from './words.ts';

const PlanNumber = t.Integer({ minimum: 1 });

/** Everything that was decided about one rollout, and why. */
export const rolloutPlansPage: Page = {
  path: '/rollouts/:id/plans',
  section: '/rollouts',
  scope: 'read',
  live: ['plans'],
  async show(look) {
    const { coordinator, query } = look;
    const rollout = await readRollout(coordinator, rolloutId(look));
    const given = query.text('before');
    const before = given === undefined ? undefined : fitting(PlanNumber, Number(given), 'the address');
    const plans = await listPlans(coordinator, rollout.id, { before, limit: BOARD_PAGE + 1 });
    const shown = plans.slice(0, BOARD_PAGE);
    const here = `/rollouts/${rollout.id}/plans`;
    return {
      title: `Plans of ${rollout.name}`,
      body: (
        <>
          <Heading what="Plans of" id={rollout.id} name={rollout.name} />
          <Card id="plans" title="What was decided">
            <Table
              label="What was decided"
              heads={['No.', 'When', 'Phase', 'What was new']}
              empty="Nothing yet."
              rows={shown.map(({ number, at_ms, phase, reasons }) => (
                <tr data-key={String(number)}>
                  <td>{number}</td>
                  <td>
                    <Moment at_ms={at_ms} />
                  </td>
                  <td>
                    <Chip tone={PHASE_TONES[phase]} word={plain(phase)} />
                  </td>
                  <td>
                    <ul class="sentences">
                      {reasons.map((reason) => (
                        <li safe>{reason}</li>
                      ))}
                    </ul>
                  </td>
                </tr>
              ))}
            />
            <Pages
              what="Pages of plans"
              first={before === undefined ? null : here}
              next={plans.length > BOARD_PAGE ? linkTo(here, { before: String(shown.at(-1)?.number) }) : null}
            />
          </Card>
        </>
      ),
    };
  },
};

/** What the next plan would be, and why somebody gets no order. */
export const rolloutPreviewPage: Page = {
  path: '/rollouts/:id/preview',
  section: '/rollouts',
  scope: 'read',
  async show(look) {
    const rollout = await readRollout(look.coordinator, rolloutId(look));
    return {
      title: `Preview of ${rollout.name}`,
      body: (
        <>
          <Heading what="What would come next for" id={rollout.id} name={rollout.name} />
          <Card id="preview" title="The plan that would be made now">
            <p>Nothing of it happens. A draft is shown as if it were approved.</p>
            {/* What scrolls has to be reachable by keyboard. */}
            <pre tabindex="0" safe>
              {await previewRollout(look.coordinator, rollout.id)}
            </pre>
          </Card>
        </>
      ),
    };
  },
};

function Heading({ what, id, name }: { what: string; id: string; name: string }) {
  return (
    <h1>
      <span safe>{what}</span>{' '}
      <a href={`/rollouts/${id}`} safe>
        {name}
      </a>
    </h1>
  );
}
