import type { Tone } from '../assets.ts';
import { SITE_ROWS_MAX } from '../limits.ts';
import { Card, Chip, Moment } from '../page/parts.tsx';
import { brief, clip, counted } from '../page/words.ts';
import { ZONE } from './lists.tsx';
import type { SiteReport } from './report.ts';

type State = SiteReport['healings'][number]['state'];

const CHIPS: Readonly<Record<State, readonly [tone: Tone | 'plain', word: string]>> = {
  detected: ['wait', 'begins'],
  acting: ['wait', 'under way'],
  verifying: ['wait', 'looked at again'],
  healed: ['good', 'healed'],
  not_healed: ['warn', 'not healed'],
  gave_up: ['bad', 'given up'],
  refused: ['plain', 'not done'],
};

const MODES: Readonly<Record<SiteReport['healing']['mode'], readonly [tone: Tone, word: string]>> = {
  on: ['good', 'on'],
  off: ['warn', 'off'],
  dry_run: ['wait', 'dry run: nothing is done'],
};

/** How healing is switched, what it did, and where it waits for a person. */
export function Healing(props: { report: SiteReport }) {
  const { healing, healings, counts } = props.report;
  const { healed, not_healed, gave_up, refused } = counts.healings;
  const [tone, word] = MODES[healing.mode];
  const why = healing.reason === '' ? '' : ` by ${healing.by_whom}: ${healing.reason}`;
  return (
    <Card id="healing" title="Healing" wide>
      <p>
        <Chip tone={tone} word={word} /> <span safe>{clip(why)}</span>
      </p>
      <p class="faint" safe>
        {`${healing.running} under way. So far ${healed} healed, ${counted(not_healed, 'attempt')} without success, ` +
          `${gave_up} given up, ${refused} not done.`}
      </p>
      {healing.stopped.length === 0 ? (
        ''
      ) : (
        <>
          <h3>Waits for a person</h3>
          <ul class="findings">
            {healing.stopped.slice(0, SITE_ROWS_MAX).map(({ hostname, check_type, why: because }) => (
              <li>
                <Chip tone="bad" word="stopped" /> <strong safe>{brief(hostname)}</strong>{' '}
                <span class="mono" safe>
                  {brief(check_type)}
                </span>{' '}
                <span safe>{clip(because)}</span>
              </li>
            ))}
          </ul>
          <h3>What was done</h3>
        </>
      )}
      <ul class="findings">
        {healings.slice(0, SITE_ROWS_MAX).map((each) => (
          <HealingRow each={each} />
        ))}
      </ul>
    </Card>
  );
}

function HealingRow(props: { each: SiteReport['healings'][number] }) {
  const { hostname, check_type, action, attempt, state, dry_run, began_at, reason } = props.each;
  const [tone, word] = dry_run ? (['plain', 'dry run'] as const) : CHIPS[state];
  return (
    <li>
      <Chip tone={tone} word={word} /> <strong safe>{brief(hostname)}</strong>{' '}
      <span class="mono" safe>
        {brief(check_type)}
      </span>{' '}
      <span safe>{clip(reason ?? '')}</span>
      <small class="faint">
        <span safe>{brief(action)}</span>, <span safe>{`attempt ${attempt}`}</span>,{' '}
        <Moment at={began_at} zone={ZONE} /> UTC
      </small>
    </li>
  );
}
