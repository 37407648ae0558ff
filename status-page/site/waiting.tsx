import { SITE_ROWS_MAX } from '../limits.ts';
import { Card, Chip } from '../page/parts.tsx';
import { brief, clip } from '../page/words.ts';
import { ADMIT_PATH, type FilledIn } from './form.ts';
import { LeftOut, Tiers } from './lists.tsx';
import { type SiteReport, TIERS, type WaitingReport } from './report.ts';

/** A form that could not be taken, with what was filled in. Never the code: it must not be on a page, and it may be the right one. */
export interface RefusedForm {
  filled: FilledIn;
  message: string;
  hint: string | null;
}

/** Who waits to be let in, and the form for it. */
export function Waiting(props: { report: SiteReport; refused: RefusedForm | null }) {
  const { report, refused } = props;
  if (report.counts.sensors === null) return '';
  const shown = report.waiting.slice(0, SITE_ROWS_MAX);
  const isShown = shown.some(({ fingerprint }) => fingerprint === refused?.filled.fingerprint);
  return (
    <Card id="waiting" title="Who waits to be let in" wide>
      {refused === null || isShown ? '' : <Refusal refused={refused} />}
      {shown.length === 0 ? (
        <p class="faint">Nobody.</p>
      ) : (
        <p>
          Compare the digits with those that the machine shows: its name and address are what it says of
          itself. Then type the code that stands on the screen of the appliance; who stands there, and nobody
          else, lets a machine in here.
        </p>
      )}
      <ul class="waiting">
        {shown.map((each) => (
          <li>
            <WaitingOne
              each={each}
              refused={each.fingerprint === refused?.filled.fingerprint ? refused : null}
            />
          </li>
        ))}
      </ul>
      <LeftOut count={report.waiting.length - shown.length} />
    </Card>
  );
}

function WaitingOne(props: { each: WaitingReport; refused: RefusedForm | null }) {
  const { fingerprint, hostname, address, way, os_version, agent_version, approved } = props.each;
  const digits = brief(fingerprint);
  return (
    <article aria-labelledby={`w-${digits}`}>
      <h3 id={`w-${digits}`}>
        <code safe>{digits}</code> <span safe>{brief(hostname)}</span>
      </h3>
      <p class="faint" safe>
        {clip([address, way, os_version, agent_version].filter((word) => word !== '').join(' · '))}
      </p>
      {props.refused === null ? '' : <Refusal refused={props.refused} />}
      {approved ? (
        <p>
          <Chip tone="wait" word="let in at its next try" />
        </p>
      ) : (
        <AdmitForm fingerprint={digits} refused={props.refused} />
      )}
    </article>
  );
}

function AdmitForm(props: { fingerprint: string; refused: RefusedForm | null }) {
  const { fingerprint, refused } = props;
  return (
    <form method="post" action={ADMIT_PATH} class="admit">
      <input type="hidden" name="fingerprint" value={fingerprint} />
      <label>
        <span>It may be told to do</span>
        <select name="tier">
          {TIERS.map((name) => (
            <option value={name} selected={name === (refused?.filled.tier ?? 'monitor_only')}>
              <Tiers name={name} />
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Code on the screen of the appliance</span>
        <input
          name="console_code"
          inputmode="numeric"
          autocomplete="off"
          pattern="\s*(\d\s*){6}"
          title="six digits"
          maxlength="16"
          required
          autofocus={refused !== null}
          {...(refused === null ? {} : { 'aria-describedby': 'refusal', 'aria-invalid': 'true' })}
        />
      </label>
      <button type="submit">
        Let <span class="mono">{fingerprint}</span> in
      </button>
    </form>
  );
}

function Refusal(props: { refused: RefusedForm }) {
  const { message, hint } = props.refused;
  return (
    <p id="refusal" class="refusal" role="alert">
      <strong safe>{clip(message)}</strong> <span safe>{clip(hint ?? '')}</span>
    </p>
  );
}
