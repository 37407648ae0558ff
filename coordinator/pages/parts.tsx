import type { Children } from '@kitajs/html';
import { agoText, type Tone, timeText } from './words.ts';

/** Small pieces of pages. Texts are set with `safe`, here or by who uses these; `children` are elements, never text. */

export function Card(props: { id: string; title: string; children?: Children }) {
  return (
    <section id={props.id} class="card" aria-labelledby={`${props.id}-title`}>
      <h2 id={`${props.id}-title`} safe>
        {props.title}
      </h2>
      {props.children}
    </section>
  );
}

export function FormToken(props: { value: string }) {
  return <input type="hidden" name="form_token" value={props.value} />;
}

/** A form that does one thing, posted to the address of its page. @param props `files`: it brings some, in fields behind all others */
export function ActForm(props: {
  /** Undefined: its buttons say. */
  act?: string;
  form_token: string;
  class?: string;
  files?: true;
  children?: Children;
}) {
  return (
    <form
      method="post"
      class={props.class ?? 'stack'}
      {...(props.files ? { enctype: 'multipart/form-data' as const, 'data-upload': '' } : {})}
    >
      <FormToken value={props.form_token} />
      {props.act === undefined ? '' : <input type="hidden" name="act" value={props.act} />}
      {props.children}
    </form>
  );
}

export interface FieldProps {
  label: string;
  name: string;
  value?: string | undefined;
  type?: 'text' | 'password' | 'search' | 'number' | 'time';
  note?: string | undefined;
  required?: boolean;
  autocomplete?: string;
  /** Of a number. */
  step?: string;
  /** What is wrong with what was filled in. */
  fault?: string | undefined;
}

export function Field(props: FieldProps) {
  return (
    <label class="field">
      <span safe>{props.label}</span>
      <input
        type={props.type ?? 'text'}
        name={props.name}
        value={props.value ?? ''}
        required={props.required ?? false}
        autocomplete={props.autocomplete ?? 'off'}
        {...(props.step === undefined ? {} : { step: props.step })}
        {...invalid(props.fault)}
      />
      <Notes note={props.note} fault={props.fault} />
    </label>
  );
}

/** What helps with a field, and what is wrong with it. */
function Notes(props: { note?: string | undefined; fault?: string | undefined }) {
  return (
    <>
      {props.fault === undefined ? (
        ''
      ) : (
        <small class="fault" safe>
          {props.fault}
        </small>
      )}
      {props.note === undefined ? '' : <small safe>{props.note}</small>}
    </>
  );
}

const invalid = (fault: string | undefined) =>
  fault === undefined ? {} : { 'aria-invalid': 'true' as const };

export function FileField(props: {
  label: string;
  name: string;
  note?: string;
  required?: boolean;
  multiple?: boolean;
}) {
  return (
    <label class="field">
      <span safe>{props.label}</span>
      <input
        type="file"
        name={props.name}
        required={props.required ?? false}
        multiple={props.multiple ?? false}
      />
      <Notes note={props.note} />
    </label>
  );
}

export function Lines(props: {
  label: string;
  name: string;
  value: string;
  note?: string;
  fault?: string | undefined;
}) {
  return (
    <label class="field">
      <span safe>{props.label}</span>
      <textarea name={props.name} rows="3" {...invalid(props.fault)} safe>
        {/* A browser leaves out the first line break. */}
        {`\n${props.value}`}
      </textarea>
      <Notes note={props.note} fault={props.fault} />
    </label>
  );
}

export function Choice(props: {
  label: string;
  name: string;
  value?: string | undefined;
  options: readonly (readonly [value: string, label: string])[];
  note?: string;
  fault?: string | undefined;
}) {
  return (
    <label class="field">
      <span safe>{props.label}</span>
      <select name={props.name} {...invalid(props.fault)}>
        {props.options.map(([value, label]) => (
          <option value={value} selected={value === props.value} safe>
            {label}
          </option>
        ))}
      </select>
      <Notes note={props.note} fault={props.fault} />
    </label>
  );
}

/** @param props `act`: what it does, in a form that can do several things */
export function Button(props: {
  label: string;
  kind?: 'quiet' | 'danger' | undefined;
  about?: string;
  act?: string;
}) {
  return (
    <button
      type="submit"
      class={props.kind ?? ''}
      {...(props.act === undefined ? {} : { name: 'act', value: props.act })}
    >
      <span safe>{props.label}</span>
      {props.about === undefined ? '' : <span class="unseen" safe>{` ${props.about}`}</span>}
    </button>
  );
}

export function Chip(props: { tone: Tone; word: string }) {
  return (
    <span class={`chip ${props.tone}`} safe>
      {props.word}
    </span>
  );
}

/** How long ago; the exact moment for programs and in the title. */
export function Ago(props: { at_ms: number | null; now_ms: number }) {
  if (props.at_ms === null) return <span class="faint">never</span>;
  return (
    <time datetime={new Date(props.at_ms).toISOString()} title={timeText(props.at_ms)} safe>
      {agoText(props.at_ms, props.now_ms)}
    </time>
  );
}

export function Moment(props: { at_ms: number | null }) {
  if (props.at_ms === null) return <span class="faint">never</span>;
  return (
    <time datetime={new Date(props.at_ms).toISOString()} safe>
      {timeText(props.at_ms)}
    </time>
  );
}

export function Fact(props: { name: string; value: string | number | null; mono?: boolean }) {
  const known = props.value !== null && props.value !== '';
  return (
    <div>
      <dt safe>{props.name}</dt>
      <dd class={known ? (props.mono ? 'mono' : undefined) : 'faint'} safe>
        {known ? String(props.value) : 'not known'}
      </dd>
    </div>
  );
}

export function TagList(props: { tags: Readonly<Record<string, string>> }) {
  return (
    <span class="tags">
      {Object.entries(props.tags).map(([name, value]) => (
        <span class="chip plain" safe>{`${name}=${value}`}</span>
      ))}
    </span>
  );
}

/** A table with its heading cells; scrolls sideways by itself where the screen is narrow. */
export function Table(props: {
  label: string;
  heads: readonly string[];
  empty: string;
  rows: JSX.Element[];
  /** Of four columns the last has sentences: on a phone they get a line of their own. */
  saysWhy?: boolean;
}) {
  if (props.rows.length === 0)
    return (
      <p class="faint" safe>
        {props.empty}
      </p>
    );
  return (
    // What scrolls has to be reachable by keyboard.
    <section class="scroll" tabindex="0" aria-label={props.label}>
      <table class={props.saysWhy ? 'why' : ''}>
        <thead>
          <tr>
            {props.heads.map((head) => (
              <th scope="col" safe>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.rows}</tbody>
      </table>
    </section>
  );
}

/** Ways to other pages of a list. */
export function Pages(props: { first: string | null; next: string | null; what: string }) {
  if (props.first === null && props.next === null) return '';
  return (
    <nav class="pages" aria-label={props.what}>
      {props.first === null ? '' : <a href={props.first}>First page</a>}
      {props.next === null ? (
        ''
      ) : (
        <a href={props.next} rel="next">
          Next page
        </a>
      )}
    </nav>
  );
}

export function Tabs(props: {
  label: string;
  tabs: readonly { href: string; title: string; current: boolean }[];
}) {
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map(({ href, title, current }) => (
        <a href={href} {...(current ? { 'aria-current': 'true' as const } : {})} safe>
          {title}
        </a>
      ))}
    </nav>
  );
}
