import { SLOTS } from '../../partitions/slot.ts';
import type { Tone } from '../assets.ts';
import type { SlotStatus, Status } from '../status.ts';
import { Card, Chip, Fact, HashFact, MomentFact } from './parts.tsx';
import { brief, shortHash, UNKNOWN } from './words.ts';

const STATES: Record<SlotStatus['state'], { tone: Tone | 'plain'; meaning: string }> = {
  active: { tone: 'good', meaning: 'committed, the appliance starts from here' },
  trial: { tone: 'wait', meaning: 'new, has to pass the health gate' },
  standby: { tone: 'plain', meaning: 'good, kept in reserve' },
  bad: { tone: 'bad', meaning: 'failed, is not chosen any more' },
  empty: { tone: 'plain', meaning: 'holds no image' },
};

/** Both slots as what they are: compartments of one hull, each afloat without the other. */
export function Ship(props: { status: Status }) {
  const { slots, time } = props.status;
  return (
    <Card id="ship" title="Slots" wide>
      <div class="hull">
        {slots.slice(0, SLOTS.length).map((slot) => (
          <Compartment slot={slot} zone={time.zone} />
        ))}
      </div>
      <BootFacts status={props.status} />
    </Card>
  );
}

function Compartment(props: { slot: SlotStatus; zone: string }) {
  const { slot } = props;
  const { tone, meaning } = STATES[slot.state];
  return (
    <article
      class={`compartment ${slot.state}${slot.running ? ' running' : ''}`}
      aria-label={`Slot ${slot.slot}`}
    >
      <h3>
        <span class="letter" safe>
          {slot.slot}
        </span>
        <Chip tone={tone} word={slot.state} />
        {slot.running ? <span class="chip running">running now</span> : ''}
      </h3>
      <p class="version" safe>
        {slot.version === null ? (slot.state === 'empty' ? 'empty' : UNKNOWN) : brief(slot.version)}
      </p>
      <p class="faint" safe>
        {meaning}
      </p>
      <dl class="facts">
        {slot.state === 'empty' ? '' : <HashFact name="Root hash" value={slot.rootHash} />}
        {slot.builtAt === null ? '' : <MomentFact name="Built" at={slot.builtAt} zone={props.zone} />}
      </dl>
    </article>
  );
}

const MODES: Record<Status['boot']['mode'], string> = {
  normal: 'normal',
  trial: 'trial of a new version',
  rescue: 'rescue',
  live: 'installation medium',
};

const SOURCES = {
  'command-line': 'told by the boot loader',
  'state-file': 'from the state file',
  mount: 'from the mounted device',
} as const;

function BootFacts(props: { status: Status }) {
  const { boot, version } = props.status;
  return (
    <dl class="facts">
      <div>
        <dt>Attempt</dt>
        <dd>
          <span>{boot.attempt === null ? UNKNOWN : `${boot.attempt} of ${boot.maxAttempts}`}</span>
          {boot.attempt === null ? '' : <Attempts used={boot.attempt} of={boot.maxAttempts} />}
        </dd>
      </div>
      <Fact name="Mode" value={MODES[boot.mode]} />
      <Fact
        name="Running slot"
        value={boot.slot}
        note={boot.slotSource === null ? undefined : SOURCES[boot.slotSource]}
      />
      <Fact name="Boot state" value={boot.stateFile} />
      <Fact name="Version" value={version.running} note={revision(version.revision)} />
      <Fact name="Kernel" value={version.kernel} />
    </dl>
  );
}

function revision(full: string | null): string | undefined {
  return full === null ? undefined : `revision ${shortHash(full)}`;
}

/** More than this many dots say nothing that the number beside them does not. */
const DOTS_MAX = 10;

function Attempts(props: { used: number; of: number }) {
  const dots = Array.from({ length: Math.min(props.of, DOTS_MAX) }, (_, index) => index < props.used);
  return (
    <span class="dots" aria-hidden="true">
      {dots.map((used) => (
        <i class={used ? 'used' : ''} />
      ))}
    </span>
  );
}
