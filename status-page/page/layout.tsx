import type { Children } from '@kitajs/html';
import { ICONS, SCRIPT, STYLE, type Tone } from '../assets.ts';
import { MarkShapes } from './parts.tsx';

export interface LayoutProps {
  tone: Tone;
  /** For the title of the tab: state first, it is what remains of a narrow tab. */
  title: string;
  hostname: string | null;
  site: string | null;
  /** When the shown facts were true, for the line that becomes "Live" where scripts run. */
  asOf: Children;
  /** Address of a page that stands still: no script keeps it true. Absent: the status, which is kept true. */
  still?: string;
  /** It has a form, whose origin a browser tells only a page that lets it (see FORM_HEADERS). */
  form?: true;
  children?: Children;
}

/** The frame of every page: head, banner, main part, footer. */
export function Layout(props: LayoutProps) {
  return (
    <html lang="en" data-tone={props.tone}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content={props.form ? 'same-origin' : 'no-referrer'} />
        <meta name="robots" content="noindex" />
        <title safe>{props.title}</title>
        <link rel="icon" type="image/svg+xml" href={ICONS[props.tone].path} />
        <link rel="stylesheet" href={STYLE.path} />
        {props.still === undefined ? <script type="module" src={SCRIPT.path} /> : ''}
      </head>
      <body>
        <MarkShapes />
        <a class="skip" href="#main">
          Skip to the status
        </a>
        <header>
          <div class="name">
            <Emblem />
            <p>
              <strong safe>{props.hostname ?? 'Appliance'}</strong>
              {props.site === null ? (
                ''
              ) : (
                <span class="faint">
                  site <span safe>{props.site}</span>
                </span>
              )}
            </p>
          </div>
          <p id="connection" role="status">
            <span class="as-of">{props.asOf}</span> <a href={props.still ?? '/'}>Reload</a>
          </p>
        </header>
        <main id="main">{props.children}</main>
        <footer>
          <nav aria-label="More">
            {props.still === undefined ? '' : <a href="/">Status</a>}
            {props.still === '/site' ? '' : <a href="/site">Site</a>}
            {props.still === '/compliance' ? '' : <a href="/compliance">Compliance</a>}
            <a href="/api/v1/status">Status as JSON</a>
            <a href="/api/v1/verdicts">Verdicts</a>
            <a href="/metrics">Metrics</a>
            <a href="/openapi.json">OpenAPI</a>
          </nav>
          <p class="faint">
            Bulkhead. These pages hold no secret and load nothing from elsewhere. They can only be read, but
            for one form: it lets a sensor in, with the code on the appliance's own screen.
          </p>
        </footer>
      </body>
    </html>
  );
}

/** A hull with one bulkhead: two compartments, one of them lit. */
function Emblem() {
  return (
    <svg class="emblem" viewBox="0 0 48 32" aria-hidden="true">
      <path class="lit" d="M3 6h20v22h-8C8 28 4 20 3 6z" />
      <path class="hull" d="M3 6h42c-1 14-5 22-12 22H15C8 28 4 20 3 6zM24 6v22" />
    </svg>
  );
}
