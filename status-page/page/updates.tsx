import { formatBytes } from '../../base/text.ts';
import { shareTails } from '../console-tail.ts';
import {
  PAGE_CONSOLE_LINE_MAX_BYTES,
  PAGE_CONSOLES_MAX_BYTES,
  PAGE_REJECTED_MAX,
  PAGE_UPDATE_MESSAGE_MAX_BYTES,
  PAGE_UPDATES_MAX,
} from '../limits.ts';
import type { Status } from '../status.ts';
import type { PastUpdateStatus, UpdateOnItsWay, UpdateProgressStatus } from '../update-section.ts';
import { methodWords, outcomeBadge, progressView, REBOOTS, updateBadge } from '../update-view.ts';
import { percent } from '../view.ts';
import { Card, Chip, Fact, Moment, MomentFact, More } from './parts.tsx';
import { brief, clip, consoleLine, counted, sentence, textCost_bytes, UNKNOWN } from './words.ts';

/** What the updater does, what waits for its first boot, and how it went before. */
export function Updates(props: { status: Status }) {
  const { update, time } = props.status;
  const { state, message, progress, onItsWay } = update;
  const { tone, word } = updateBadge(update);
  return (
    <Card id="updates" title="Updates" wide>
      <p class="stand">
        <Chip tone={tone} word={word} />{' '}
        <span safe>{clip(sentence(message), PAGE_UPDATE_MESSAGE_MAX_BYTES)}</span>
      </p>
      {state === 'downloading' && progress !== null ? <Progress progress={progress} zone={time.zone} /> : ''}
      {onItsWay === null ? '' : <OnItsWay update={onItsWay} runs={state === 'verifying'} zone={time.zone} />}
      <History history={update.history} zone={time.zone} />
      <Rejected rejected={update.rejected} zone={time.zone} />
    </Card>
  );
}

function Progress(props: { progress: UpdateProgressStatus; zone: string }) {
  const { progress, zone } = props;
  const { step, part, done, fetched } = progressView(progress);
  return (
    <div class="progress">
      <p class="gauge">
        {part === null ? (
          <progress aria-label="Update" />
        ) : (
          <progress max={1} value={part.toFixed(3)} aria-label={`Update: ${step}`} />
        )}
        {part === null ? '' : <small safe>{percent(part)}</small>}
      </p>
      <dl class="facts">
        <Fact name="Release" value={progress.version} />
        <Fact name="Step" value={step} note={done ?? undefined} />
        <Fact name="Fetched" value={fetched} note={methodWords(progress.method) ?? undefined} />
        <MomentFact name="Began" at={progress.startedAt} zone={zone} />
        <MomentFact name="Last heard" at={progress.updatedAt} zone={zone} />
      </dl>
    </div>
  );
}

function OnItsWay(props: { update: UpdateOnItsWay; runs: boolean; zone: string }) {
  const { version, slot, method, writtenAt, reboot } = props.update;
  return (
    <div class="part">
      <h3>On its way</h3>
      <dl class="facts">
        <Fact name="Release" value={version} note={`in slot ${slot}`} />
        <Fact name="Tried" value={props.runs ? 'now' : REBOOTS[reboot]} />
        <MomentFact name="Written" at={writtenAt} zone={props.zone} />
        {method === null ? '' : <Fact name="Came as" value={methodWords(method)} />}
      </dl>
    </div>
  );
}

function History(props: { history: PastUpdateStatus[]; zone: string }) {
  const shown = props.history.slice(0, PAGE_UPDATES_MAX);
  if (shown.length === 0) return '';
  const consoles = shareTails(
    shown.map((entry) =>
      entry.consoleTail.map((line) => clip(consoleLine(line), PAGE_CONSOLE_LINE_MAX_BYTES)),
    ),
    PAGE_CONSOLES_MAX_BYTES,
    (line) => textCost_bytes(line) + 1,
  );
  return (
    <div class="part">
      <h3>Ended</h3>
      <ol class="ended">
        {shown.map((entry, index) => (
          <Ended entry={entry} console={consoles[index] ?? []} zone={props.zone} />
        ))}
      </ol>
      <More count={props.history.length - shown.length} what="updates" />
    </div>
  );
}

function Ended(props: { entry: PastUpdateStatus; console: string[]; zone: string }) {
  const { at, version, fromVersion, slot, method, fetched_bytes, reason } = props.entry;
  const { tone, word } = outcomeBadge(props.entry);
  const how = [
    slot === null ? null : `slot ${slot}`,
    methodWords(method),
    fetched_bytes === 0 ? null : `${formatBytes(fetched_bytes)} fetched`,
  ];
  return (
    <li data-key={at}>
      <div class="head">
        <Chip tone={tone} word={word} />
        <strong safe>{`${brief(fromVersion)} → ${version === null ? UNKNOWN : brief(version)}`}</strong>
        <Moment at={at} zone={props.zone} />
        <span class="faint" safe>
          {how.filter((each) => each !== null).join(' · ')}
        </span>
      </div>
      <p safe>{clip(sentence(reason))}</p>
      <ConsoleTail shown={props.console} count={props.entry.consoleTail.length} />
    </li>
  );
}

/** The last words of a trial that failed. Folded, because it is long and for those who know what they look for. */
function ConsoleTail(props: { shown: string[]; count: number }) {
  const { shown, count } = props;
  if (shown.length === 0) return <More count={count} what="lines of its console" />;
  return (
    <details class="console">
      <summary safe>
        {shown.length === count
          ? `Its console, last ${counted(count, 'line')}`
          : `Its console, last ${shown.length} of ${count} lines`}
      </summary>
      <pre safe>{shown.join('\n')}</pre>
    </details>
  );
}

function Rejected(props: { rejected: Status['update']['rejected']; zone: string }) {
  const shown = props.rejected.slice(0, PAGE_REJECTED_MAX);
  if (shown.length === 0) return '';
  return (
    <div class="part">
      <h3>Not tried again</h3>
      <ul class="ended">
        {shown.map(({ version, at, reason }) => (
          <li data-key={brief(version)}>
            <div class="head">
              <strong safe>{brief(version)}</strong>
              <span class="faint">
                since <Moment at={at} zone={props.zone} />
              </span>
            </div>
            <p safe>{clip(sentence(reason))}</p>
          </li>
        ))}
      </ul>
      <More count={props.rejected.length - shown.length} what="releases" />
      <p class="faint">
        <code>bulkhead update forget</code> allows them again.
      </p>
    </div>
  );
}
