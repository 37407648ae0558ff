import type { Children } from '@kitajs/html';
import type { Tone } from '../assets.ts';
import { percent } from '../view.ts';
import { brief, formatTime, shortHash, UNKNOWN } from './words.ts';

/**
 * Small pieces of the page. Every text that comes from a status is set by an element with `safe`, here or in the
 * part that uses these; `children` below are always elements, never text.
 */

/** A titled region of the page. */
export function Card(props: { id: string; title: string; wide?: boolean; children?: Children }) {
  return (
    <section id={props.id} class={props.wide ? 'card wide' : 'card'} aria-labelledby={`${props.id}-title`}>
      <h2 id={`${props.id}-title`} safe>
        {props.title}
      </h2>
      {props.children}
    </section>
  );
}

/** A name and its value in a description list; null reads as not known. */
export function Fact(props: {
  name: string;
  value: string | number | null;
  mono?: boolean;
  note?: string | undefined;
}) {
  const known = props.value !== null && props.value !== '';
  const style = known ? (props.mono ? 'mono' : undefined) : 'faint';
  return (
    <div>
      <dt safe>{props.name}</dt>
      <dd>
        <span class={style} safe>
          {known ? brief(String(props.value)) : UNKNOWN}
        </span>
        {props.note ? <small safe>{brief(props.note)}</small> : ''}
      </dd>
    </div>
  );
}

/** A hash of which people compare the start; the whole of it unfolds, script or not. */
export function HashFact(props: { name: string; value: string | null }) {
  if (props.value === null) return <Fact name={props.name} value={null} />;
  return (
    <div>
      <dt safe>{props.name}</dt>
      <dd>
        <details class="hash">
          <summary class="mono" safe>
            {shortHash(props.value)}
          </summary>
          <code safe>{brief(props.value)}</code>
        </details>
      </dd>
    </div>
  );
}

const SHAPES: Record<Tone, string> = {
  good: 'M5 13l5 5L20 7',
  bad: 'M6 6l12 12M18 6L6 18',
  warn: 'M12 4v10M12 19v.1',
  wait: 'M4.5 12v.1M12 12v.1M19.5 12v.1',
  unknown: 'M9 9a3 3 0 1 1 4 2.8Q12 12.5 12 14.5M12 18v.1',
};

/** The shapes, once per page; a page has a hundred marks, and this keeps each of them short. */
export function MarkShapes() {
  return (
    <svg class="shapes" aria-hidden="true">
      {Object.entries(SHAPES).map(([tone, path]) => (
        <symbol id={`mark-${tone}`} viewBox="0 0 24 24">
          <path d={path} />
        </symbol>
      ))}
    </svg>
  );
}

/** The shape that goes with a colour, for everyone who does not see the colour. Says nothing to screen readers: the word does. */
export function Mark(props: { tone: Tone }) {
  return (
    <svg class={`mark ${props.tone}`} aria-hidden="true">
      <use href={`#mark-${props.tone}`} />
    </svg>
  );
}

/** A state in a word, with its shape and colour. */
export function Chip(props: { tone: Tone | 'plain'; word: string }) {
  return (
    <span class={`chip ${props.tone}`}>
      {props.tone === 'plain' ? '' : <Mark tone={props.tone} />}
      <span safe>{props.word}</span>
    </span>
  );
}

/** A used part of a whole with its numbers in words. */
export function Use(props: { name: string; text: string; part: number | null; high: number }) {
  return (
    <div class="use">
      <dt safe>{props.name}</dt>
      <dd>
        <span safe>{props.text}</span>
        {props.part === null ? (
          ''
        ) : (
          <span class="gauge">
            <meter
              min={0}
              max={1}
              low={props.high - 0.15}
              high={props.high}
              optimum={0}
              value={Number(props.part.toFixed(3))}
              aria-label={`${props.name}: ${props.text}`}
            />
            <small safe>{percent(props.part)}</small>
          </span>
        )}
      </dd>
    </div>
  );
}

/** A moment in the appliance's own zone, exact for programs. */
export function Moment(props: { at: string; zone: string }) {
  return (
    <time datetime={new Date(props.at).toISOString()} safe>
      {formatTime(props.at, props.zone)}
    </time>
  );
}

/** A moment in a description list. */
export function MomentFact(props: { name: string; at: string; zone: string }) {
  return (
    <div>
      <dt safe>{props.name}</dt>
      <dd>
        <Moment at={props.at} zone={props.zone} />
      </dd>
    </div>
  );
}

/** What a list left out. */
export function More(props: { count: number; what: string }) {
  if (props.count <= 0) return '';
  return (
    <p class="faint more">
      and {props.count} more <span safe>{props.what}</span> in the <a href="/api/v1/status">JSON</a>
    </p>
  );
}
