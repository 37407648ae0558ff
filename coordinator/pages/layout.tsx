import type { Children } from '@kitajs/html';
import { VERSION } from '../../base/version.ts';
import type { Concern } from '../live/pulse.ts';
import type { Principal } from '../people/authorise.ts';
import type { Scope } from '../people/scopes.ts';
import { ICON, SCRIPT, STYLE } from './assets.ts';
import type { Messages } from './page.ts';
import { FormToken } from './parts.tsx';

/** Sections of the page, and what it takes to see each. */
const SECTIONS: readonly [path: string, title: string, scope: Scope][] = [
  ['/', 'Fleet', 'read'],
  ['/alarms', 'Alarms', 'read'],
  ['/findings', 'Findings', 'read'],
  ['/waiting', 'Let in', 'read'],
  ['/releases', 'Releases', 'read'],
  ['/rollouts', 'Rollouts', 'read'],
  ['/orders', 'Orders', 'read'],
  ['/builds', 'Builds', 'read'],
  ['/audit', 'Audit log', 'audit'],
  ['/people', 'People', 'admin'],
  ['/settings', 'Settings', 'read'],
];

/** Who looks. */
export interface Visitor {
  principal: Principal;
  form_token: string;
  /** Alarms that nobody has acknowledged. */
  alarms: number;
}

interface Live {
  concerns: readonly Concern[];
  here: string;
}

export interface LayoutProps {
  title: string;
  /** Path of the section that is shown. */
  section: string;
  /** Null: nobody is signed in. */
  visitor: Visitor | null;
  messages: Messages;
  /** What changes what it shows, and its own address; undefined: it stands still. */
  live?: Live | undefined;
  children?: Children;
}

/** The frame of every page, as a whole document. */
export function renderPage(props: LayoutProps): string {
  const html = <Layout {...props} />;
  // Kita renders to a string unless a component is asynchronous, and none here is.
  if (typeof html !== 'string') throw new TypeError('the page has an asynchronous part');
  return `<!doctype html>${html}`;
}

function Layout({ title, section, visitor, messages, live, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title safe>{`${title} · Bulkhead`}</title>
        <link rel="icon" type="image/svg+xml" href={ICON.path} />
        <link rel="stylesheet" href={STYLE.path} />
        <script type="module" src={SCRIPT.path} />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header>
          <a class="name" href="/">
            <img src={ICON.path} alt="" width="32" height="32" />
            Bulkhead
          </a>
          {visitor === null ? '' : <Navigation section={section} {...visitor} />}
        </header>
        <main id="main" {...liveOf(live, messages)}>
          <MessageList {...messages} />
          {live === undefined ? '' : <Liveness {...live} />}
          {children}
        </main>
        <footer>
          Bulkhead coordinator <span safe>{VERSION}</span>. All times are UTC.{' '}
          <a href="/openapi.json">OpenAPI</a>
        </footer>
      </body>
    </html>
  );
}

/** What was refused, or is shown this once, must not be replaced by the page as it is otherwise. */
function liveOf(live: Live | undefined, { problem, secret }: Messages) {
  return live === undefined || problem !== null || secret !== null
    ? {}
    : { 'data-live': live.concerns.join(' ') };
}

/** The script says here that the page is live; without it there is a way to load it anew. */
function Liveness({ here }: Live) {
  return (
    <p id="liveness" role="status">
      <a href={here}>Load anew</a>
    </p>
  );
}

function Navigation(props: { section: string } & Visitor) {
  const { name, role, scopes } = props.principal;
  return (
    <>
      <nav aria-label="Sections">
        <ul>
          {SECTIONS.filter(([, , scope]) => scopes.has(scope)).map(([path, title]) => (
            <li>
              <a href={path} {...(path === props.section ? { 'aria-current': 'page' } : {})}>
                <span safe>{title}</span>
                {path === '/alarms' && props.alarms > 0 ? <AlarmCount count={props.alarms} /> : ''}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <form class="me" method="post" action="/sign-out">
        <FormToken value={props.form_token} />
        <span>
          <span safe>{name}</span>, <span safe>{role}</span>
        </span>
        <button class="quiet" type="submit">
          Sign out
        </button>
      </form>
    </>
  );
}

function AlarmCount({ count }: { count: number }) {
  return (
    <>
      {' '}
      <span class="chip bad" safe>
        {count.toLocaleString('en')}
      </span>
      <span class="unseen"> that nobody has seen</span>
    </>
  );
}

function MessageList({ problem, done, secret }: Messages) {
  return (
    <>
      {done === null ? (
        ''
      ) : (
        <p class="message good" role="status" safe>
          {done}
        </p>
      )}
      {problem === null ? (
        ''
      ) : (
        <div class="message bad" role="alert">
          <p>
            <span safe>{sentence(problem.message)}</span> <code safe>{problem.code}</code>
          </p>
          {problem.hint === undefined ? '' : <p safe>{sentence(problem.hint)}</p>}
        </div>
      )}
      {secret === null ? (
        ''
      ) : (
        <div class="message wait" role="status">
          <p safe>{secret.what}</p>
          <code class="secret" safe>
            {secret.value}
          </code>
          <p safe>{secret.note}</p>
        </div>
      )}
    </>
  );
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}${/[.!?…]$/.test(clause) ? '' : '.'}`;
}
