import type { RolloutDefinition, StageSize } from '../rollouts/definition.ts';
import type { Member, Stage } from '../rollouts/plan.ts';
import { MEMBER_STATES } from '../rollouts/plan.ts';
import { Card, Chip, Moment } from './parts.tsx';
import type { Rollout } from './rollout.tsx';
import { MEMBER_TONES, MEMBER_WORDS, STAGE_TONES } from './rollout-words.ts';
import { linkTo, type Tone } from './words.ts';

interface StateCount {
  state: Member['state'];
  devices: number;
}

/** Stages, one below the other: how large, how far, and how many are where. */
export function StagesCard({ rollout, definition }: { rollout: Rollout; definition: RolloutDefinition }) {
  const waiting = countsOf(rollout, null);
  return (
    <Card id="stages" title="Stages">
      <ol class="stages">
        {definition.stages.map((size, index) => (
          <li data-key={`stage-${index}`}>
            <div class="title">
              <h3 safe>{`Stage ${index + 1}: ${sizeOf(size)}`}</h3>
              <Chip
                tone={STAGE_TONES[rollout.stages[index]?.state ?? 'pending']}
                word={STAGE_WORDS[rollout.stages[index]?.state ?? 'pending']}
              />
              <StageTime stage={rollout.stages[index]} />
            </div>
            <Counts rollout={rollout} counts={countsOf(rollout, index)} />
          </li>
        ))}
        {waiting.length === 0 ? (
          ''
        ) : (
          <li data-key="pool">
            <h3>In no stage yet</h3>
            <Counts rollout={rollout} counts={waiting} />
          </li>
        )}
      </ol>
    </Card>
  );
}

/** `5 %` or `20 appliances` of the cohort, the stages before included. */
export function sizeOf(size: StageSize): string {
  return 'percent' in size ? `${size.percent} %` : `${size.count.toLocaleString('en')} appliances`;
}

const STAGE_WORDS: Readonly<Record<Stage['state'], string>> = {
  pending: 'not begun',
  running: 'running',
  soaking: 'watched',
  done: 'done',
};

function StageTime({ stage }: { stage: Stage | undefined }) {
  if (stage?.state === 'running' && stage.deadline_ms !== null)
    return (
      <small class="faint">
        until <Moment at_ms={stage.deadline_ms} /> at most
      </small>
    );
  if (stage?.state === 'soaking')
    return (
      <small class="faint">
        until <Moment at_ms={stage.soak_until_ms} />
      </small>
    );
  if (stage?.state === 'done')
    return (
      <small class="faint">
        <Moment at_ms={stage.done_ms} />
      </small>
    );
  return '';
}

function countsOf({ counts }: Rollout, stage: number | null): StateCount[] {
  return MEMBER_STATES.flatMap((state) => {
    const devices = counts
      .filter((count) => count.stage === stage && count.state === state)
      .reduce((sum, count) => sum + count.devices, 0);
    return devices === 0 ? [] : [{ state, devices }];
  });
}

/** A bar, and the same in words, each leading to who is meant. */
function Counts({ rollout, counts }: { rollout: Rollout; counts: readonly StateCount[] }) {
  if (counts.length === 0) return <p class="faint">Nobody has a place in it yet.</p>;
  return (
    <div class="stack">
      <Bar counts={counts} />
      <p class="counts">
        {counts.map(({ state, devices }) => (
          <a href={`${linkTo(`/rollouts/${rollout.id}`, { state })}#members`} safe>
            {`${devices.toLocaleString('en')} ${MEMBER_WORDS[state]}`}
          </a>
        ))}
      </p>
    </div>
  );
}

const BAR_WIDTH = 1000;

/** Says nothing that the words do not: hidden from who listens. */
function Bar({ counts }: { counts: readonly StateCount[] }) {
  const total = counts.reduce((sum, { devices }) => sum + devices, 0);
  let at = 0;
  const parts = counts.map(({ state, devices }): { tone: Tone; state: string; x: number; width: number } => {
    const width = (devices / total) * BAR_WIDTH;
    at += width;
    return { tone: MEMBER_TONES[state], state, x: at - width, width };
  });
  return (
    <svg class="bar" viewBox={`0 0 ${BAR_WIDTH} 10`} preserveAspectRatio="none" aria-hidden="true">
      {parts.map(({ tone, state, x, width }) => (
        <rect class={tone} data-key={state} x={x.toFixed(1)} y="0" width={width.toFixed(1)} height="10" />
      ))}
    </svg>
  );
}
