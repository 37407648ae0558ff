import { OneOf } from '../../base/schema.ts';
import { describeWindow } from '../../updater/maintenance-window.ts';
import { parseDefinition, type RolloutDefinition } from '../rollouts/definition.ts';
import { possibleActions, type RolloutAction } from '../rollouts/intent.ts';
import { MEMBER_STATES } from '../rollouts/plan.ts';
import { readRollout } from '../rollouts/run/look.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { Card, Chip, Fact, Moment } from './parts.tsx';
import { MembersCard } from './rollout-members.tsx';
import { StagesCard, sizeOf } from './rollout-stages.tsx';
import { ACTION_WORDS, GRAVE_ACTIONS, PHASE_TONES, WISH_WORDS } from './rollout-words.ts';
import { plain } from './words.ts';

export type Rollout = Awaited<ReturnType<typeof readRollout>>;

/** One rollout: what is wanted, what holds it, how far everyone has come, and why. */
export const rolloutPage: Page = {
  path: '/rollouts/:id',
  section: '/rollouts',
  scope: 'read',
  live: ['plans', 'steps', 'deeds', 'time'],
  async show(look) {
    const rollout = await readRollout(look.coordinator, rolloutId(look));
    const definition = parseDefinition(rollout.id, rollout.definition);
    const state = look.query.text('state');
    const members = {
      state: state === undefined ? undefined : fitting(OneOf(MEMBER_STATES), state, 'the state'),
      after: look.query.text('after'),
    };
    return {
      title: rollout.name,
      body: (
        <>
          <div class="title">
            <h1 safe>{rollout.name}</h1>
            <Chip tone={PHASE_TONES[rollout.phase]} word={plain(rollout.phase)} />
          </div>
          <Actions look={look} rollout={rollout} />
          <div class="columns">
            <StateCard rollout={rollout} />
            <PlanCard rollout={rollout} />
          </div>
          <StagesCard rollout={rollout} definition={definition} />
          {await MembersCard({ look, rollout, ...members })}
          <DefinitionCard rollout={rollout} definition={definition} />
        </>
      ),
    };
  },
};

export const rolloutId = ({ params }: Look): string => fitting(Id, params['id'], 'the address');

/** What an operator may do with it now, and what would come of something. */
function usefulActions({ wish, phase, brake, counts }: Rollout): RolloutAction[] {
  const some = (...states: string[]) => counts.some(({ state }) => states.includes(state));
  return possibleActions({ wish }, phase).filter((action) => {
    if (action === 'release_brake') return brake !== null;
    if (action === 'retry_failed') return some('failed', 'left_behind', 'revert_failed');
    return true;
  });
}

function Actions({ look, rollout }: { look: Look; rollout: Rollout }) {
  if (!look.principal.scopes.has('rollout')) return '';
  return (
    <nav class="row" aria-label="What you can do">
      {usefulActions(rollout).map((action, index) => (
        <a
          class={`button ${GRAVE_ACTIONS.includes(action) ? 'danger' : index === 0 ? '' : 'quiet'}`}
          href={`/rollouts/${rollout.id}/${action}`}
          safe
        >
          {ACTION_WORDS[action].label}
        </a>
      ))}
      <a class="button quiet" href={`/rollouts/${rollout.id}/preview`}>
        What would come next
      </a>
    </nav>
  );
}

/** Wish and brake apart: one is the operator's, the other is what the rollout does to itself. */
function StateCard({ rollout }: { rollout: Rollout }) {
  const { brake } = rollout;
  return (
    <Card id="state" title="How it stands">
      <dl class="facts">
        <Fact name="Operators want" value={WISH_WORDS[rollout.wish] ?? plain(rollout.wish)} />
        <div>
          <dt>Brake</dt>
          <dd>
            {brake === null ? (
              'released'
            ) : (
              <>
                <Chip tone="bad" word="engaged" /> <span safe>{brake.reason}</span>, since{' '}
                <Moment at_ms={brake.since_ms} />
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Release</dt>
          <dd safe>{`${rollout.version}, channel ${rollout.channel}`}</dd>
        </div>
        <div>
          <dt>Drawn up</dt>
          <dd>
            <Moment at_ms={rollout.created_ms} /> <span safe>{`by ${rollout.created_by}`}</span>
          </dd>
        </div>
      </dl>
    </Card>
  );
}

function PlanCard({ rollout }: { rollout: Rollout }) {
  return (
    <Card
      id="plan"
      title={rollout.plan_number === 0 ? 'Newest plan' : `Newest plan, no. ${rollout.plan_number}`}
    >
      {rollout.reasons.length === 0 ? (
        <p class="faint">Nothing was decided yet.</p>
      ) : (
        <ul class="sentences">
          {rollout.reasons.map((reason) => (
            <li safe>{reason}</li>
          ))}
        </ul>
      )}
      <p>
        <a href={`/rollouts/${rollout.id}/plans`}>All plans</a>
      </p>
    </Card>
  );
}

const HOUR_MS = 3_600_000;
const span = (span_ms: number) => `${span_ms / HOUR_MS} h`;

function DefinitionCard({ rollout, definition }: { rollout: Rollout; definition: RolloutDefinition }) {
  const { stages, errors_max_percent, errors_max_count, window } = definition;
  const count = errors_max_count === null ? '' : `, or ${errors_max_count}`;
  return (
    <Card id="definition" title="What was asked for">
      <dl class="facts">
        <Fact name="Whom" value={String(rollout.definition['cohort'])} mono />
        <Fact
          name="Joining"
          value={
            definition.joining === 'open'
              ? 'open: who comes to match later joins'
              : 'frozen: who matched when it started'
          }
        />
        <Fact name="Stages" value={stages.map(sizeOf).join(', ')} />
        <Fact name="Watched for" value={span(definition.soak_ms)} />
        <Fact name="Brake above" value={`${errors_max_percent} % failures${count}`} />
        <Fact name="Passed with" value={`${definition.success_min_percent} % successes`} />
        <Fact name="At one time" value={definition.parallel_max} />
        <Fact name="Window" value={window === null ? 'at any time' : describeWindow(window)} />
        <Fact name="Must not skip" value={definition.floors.join(', ') || 'nothing'} />
        <Fact name="Older version" value={definition.allow_downgrade ? 'allowed' : 'never'} />
        <Fact name="Order to outcome" value={span(definition.order_deadline_ms)} />
        <Fact name="A stage waits" value={span(definition.stage_deadline_ms)} />
      </dl>
    </Card>
  );
}
