import { Card } from '../page/parts.tsx';
import { clip } from '../page/words.ts';
import type { ComplianceReport, RatePoint, Tally } from './report.ts';

/** Rounded down: 99.96 % is not all of it. */
export function percent(rate: number | null): string {
  return rate === null ? 'no rate' : `${(Math.floor(rate * 1000) / 10).toFixed(1)} %`;
}

export function Rates(props: { report: ComplianceReport }) {
  const { appliance, frameworks } = props.report;
  return (
    <Card id="rates" title="Rates" wide>
      <table class="rates">
        <thead>
          <tr>
            <th scope="col">Of</th>
            {HEADS.map((word) => (
              <th scope="col" class="number" safe>
                {word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Rate name="This appliance" note="its own controls" tally={appliance} />
          {frameworks.map((each) => (
            <Rate name={each.framework} note={each.title} tally={each} />
          ))}
        </tbody>
      </table>
      <p class="faint">
        Strict leaves justifications out. What is unknown counts as not compliant. The frameworks count the
        other machines, too.
      </p>
    </Card>
  );
}

function Rate(props: { name: string; note: string; tally: Tally }) {
  const { rate, strict_rate, holds, fails, unknown, justified } = props.tally;
  return (
    <tr>
      <th scope="row">
        <span safe>{props.name}</span>
        <small class="faint" safe>
          {clip(props.note)}
        </small>
      </th>
      {[percent(rate), percent(strict_rate), holds, fails, unknown, justified].map((value, index) => (
        <td class="number" data-head={HEADS[index] ?? ''} safe>
          {String(value)}
        </td>
      ))}
    </tr>
  );
}

/** Heads of the numbers; on a phone each stands before its number. */
const HEADS = ['Compliance', 'Strict', 'Hold', 'Fail', 'Unknown', 'Justified'];

const BAR = 10;
const HEIGHT = 60;

/** A bar a day; the numbers are in its title and in the JSON. */
export function History(props: { history: readonly RatePoint[] }) {
  const { history } = props;
  if (history.length < 2) return '';
  return (
    <Card id="history" title="This appliance, day by day" wide>
      <svg
        class="bars"
        viewBox={`0 0 ${Math.max(30, history.length) * BAR} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Compliance of ${history.length} days, latest ${percent(history.at(-1)?.rate ?? null)}`}
      >
        {history.map(({ at, rate }, index) => (
          <rect
            class={toneOf(rate)}
            x={String(index * BAR)}
            y={String(HEIGHT - (rate ?? 0) * HEIGHT)}
            width={String(BAR - 2)}
            height={String((rate ?? 0) * HEIGHT)}
          >
            <title safe>{`${at.slice(0, 10)}: ${percent(rate)}`}</title>
          </rect>
        ))}
      </svg>
    </Card>
  );
}

function toneOf(rate: number | null): string {
  return rate === null ? 'unknown' : rate >= 1 ? 'good' : rate >= 0.8 ? 'warn' : 'bad';
}
