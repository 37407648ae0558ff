import type { Tone } from '../assets.ts';
import type { LinkSection } from '../link-section.ts';
import { Chip, Fact, MomentFact } from './parts.tsx';
import { counted, formatOffset } from './words.ts';

const CHIPS: Record<LinkSection['state'], [tone: Tone, word: string]> = {
  enrolling: ['wait', 'enrolling'],
  pending: ['wait', 'waits for approval'],
  connected: ['good', 'connected'],
  interrupted: ['warn', 'not connected'],
  refused: ['bad', 'turned away'],
  unable: ['bad', 'cannot enrol'],
};

const PROVISION_WORDS: Record<LinkSection['provision'], string | null> = {
  none: null,
  unknown: null,
  accepted: 'has let this appliance in',
  refused: 'was not taken: used up, over, or mistyped',
  needs_approval: 'is not enough: another appliance says it is this machine',
};

/** How the appliance stands with its coordinator: the code while it waits, what it has not said yet. */
export function Standing(props: { link: LinkSection; zone: string }) {
  const { link, zone } = props;
  const { state, code, codeExpiresAt, provision, lastContactAt, clockOffset_ms, agent, waiting } = link;
  const [tone, word] = CHIPS[state];
  const { log, state: reports, refused } = waiting.dropped;
  const dropped = log + reports + refused;
  return (
    <dl class="facts">
      <div>
        <dt>This appliance</dt>
        <dd>
          <Chip tone={tone} word={word} />
        </dd>
      </div>
      {code === null ? (
        ''
      ) : (
        <Fact name="Code" value={code} mono note="an operator approves it by this code" />
      )}
      {codeExpiresAt === null ? '' : <MomentFact name="Shown until" at={codeExpiresAt} zone={zone} />}
      {PROVISION_WORDS[provision] === null ? (
        ''
      ) : (
        <Fact name="Prepared code" value={PROVISION_WORDS[provision]} />
      )}
      {lastContactAt === null ? '' : <MomentFact name="Last contact" at={lastContactAt} zone={zone} />}
      {clockOffset_ms === null ? (
        ''
      ) : (
        <Fact name="Its clock" value={formatOffset(clockOffset_ms)} note="against the clock here" />
      )}
      {agent === 'outdated' ? <Fact name="Agent" value="older than the coordinator wants" /> : ''}
      <Fact
        name="Waiting"
        value={waiting.records === 0 ? 'nothing' : counted(waiting.records, 'message')}
        note={waiting.memoryOnly === null ? undefined : 'in memory only'}
      />
      {waiting.records === 0 || waiting.oldestAt === null ? (
        ''
      ) : (
        <MomentFact name="Oldest" at={waiting.oldestAt} zone={zone} />
      )}
      {dropped === 0 ? (
        ''
      ) : (
        <Fact
          name="Given up"
          value={counted(dropped, 'message')}
          note={`${counted(log, 'piece')} of logs, ${counted(reports, 'old report')}, ${refused} refused`}
        />
      )}
    </dl>
  );
}
