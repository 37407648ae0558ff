import type { CheckResult, Verdict } from '../../health-gate/verdict-schema.ts';
import type { Tone } from '../assets.ts';
import { PAGE_CHECKS_MAX, PAGE_NOTICES_MAX, PAGE_VERDICTS_MAX } from '../limits.ts';
import type { Status } from '../status.ts';
import { type Headline, notices } from '../view.ts';
import { Card, Chip, Mark, Moment, More } from './parts.tsx';
import { brief, clip } from './words.ts';

/** The big answer. Only the word and the reason are announced, and only when they change. */
export function VerdictBanner(props: { headline: Headline; facts: [name: string, value: string][] }) {
  const { tone, word, reason } = props.headline;
  return (
    <section id="verdict" class={tone} aria-labelledby="verdict-word">
      <Mark tone={tone} />
      <div id="verdict-text" aria-live="polite" aria-atomic="true">
        <h1 id="verdict-word" safe>
          {word}
        </h1>
        <p id="verdict-reason" safe>
          {clip(reason)}
        </p>
      </div>
      <dl class="glance">
        {props.facts.map(([name, value]) => (
          <div>
            <dt safe>{name}</dt>
            <dd safe>{brief(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function Notices(props: { status: Status }) {
  const found = notices(props.status).slice(0, PAGE_NOTICES_MAX);
  if (found.length === 0) return <div id="notices" />;
  return (
    <div id="notices">
      <section class="card wide notices" aria-labelledby="notices-title">
        <h2 id="notices-title">Worth a look</h2>
        <ul>
          {found.map((text) => (
            <li safe>{clip(text)}</li>
          ))}
        </ul>
      </section>
    </div>
  );
}

export function Verdicts(props: { status: Status }) {
  const { health, time, boot } = props.status;
  const shown = health.verdicts.slice(0, PAGE_VERDICTS_MAX);
  return (
    <Card id="verdicts" title="Verdicts of the health gate" wide>
      {shown.length === 0 ? <p class="faint">No boot of this appliance has been judged yet.</p> : ''}
      <ol class="verdicts">
        {shown.map((verdict) => (
          <VerdictEntry verdict={verdict} zone={time.zone} now={verdict.bootId === boot.bootId} />
        ))}
      </ol>
      <More count={health.verdicts.length - shown.length} what="verdicts" />
    </Card>
  );
}

const ACTIONS: Record<Verdict['action'], string> = {
  commit: 'committed',
  none: 'nothing to do',
  reboot: 'rebooted for the next attempt',
  stay: 'stays up and waits for help',
};

function VerdictEntry(props: { verdict: Verdict; zone: string; now: boolean }) {
  const { verdict } = props;
  const where = [
    verdict.slot === null ? null : `slot ${verdict.slot}`,
    verdict.version,
    verdict.attempt === null ? null : `attempt ${verdict.attempt}`,
    ACTIONS[verdict.action],
    props.now ? 'this boot' : null,
  ];
  return (
    <li data-key={brief(verdict.id)}>
      <details>
        <summary>
          <Chip tone={verdict.outcome === 'healthy' ? 'good' : 'bad'} word={verdict.outcome} />
          <Moment at={verdict.at} zone={props.zone} />
          <span class="faint" safe>
            {clip(where.filter((each) => each !== null).join(' · '))}
          </span>
        </summary>
        <p safe>{clip(verdict.reason)}</p>
        <ul class="checks">
          {inOrder(verdict.checks)
            .slice(0, PAGE_CHECKS_MAX)
            .map((check) => (
              <Check check={check} />
            ))}
        </ul>
        <More count={verdict.checks.length - PAGE_CHECKS_MAX} what="checks" />
      </details>
    </li>
  );
}

/** What failed and decided comes first, then what failed and was observed only. */
function inOrder(checks: readonly CheckResult[]): CheckResult[] {
  const weight = (check: CheckResult) => (check.outcome === 'fail' ? (check.decisive ? 0 : 1) : 2);
  return [...checks].sort((one, other) => weight(one) - weight(other));
}

const CHECK_TONES: Record<CheckResult['outcome'], [Tone, string]> = {
  pass: ['good', 'passed'],
  fail: ['bad', 'failed'],
  skipped: ['unknown', 'skipped'],
};

function Check(props: { check: CheckResult }) {
  const { name, decisive, outcome, message, duration_ms } = props.check;
  const [tone, word] = CHECK_TONES[outcome];
  return (
    <li>
      <Chip tone={tone === 'bad' && !decisive ? 'warn' : tone} word={word} />
      <strong safe>{brief(name)}</strong>
      <span class="message" safe>
        {clip(message)}
      </span>
      <small class="faint" safe>
        {`${decisive ? 'decides' : 'observed'} · ${Math.round(duration_ms)} ms`}
      </small>
    </li>
  );
}
