import type { DeviceSummary } from '../devices/list.ts';
import type { Look } from './page.ts';
import { ActForm, Button, Card, Field, Lines } from './parts.tsx';
import { deviceName } from './words.ts';

/** The decision on one that waits. Who says to be one that is known is told in words, and cannot be let in by accident. */
export function ApprovalCard(props: {
  look: Look;
  device: DeviceSummary;
  conflicts: readonly DeviceSummary[];
}) {
  const { look, device, conflicts } = props;
  return (
    <Card id="decide" title="Let it in?">
      <div class="stack">
        {conflicts.length === 0 ? '' : <ConflictWarning device={device} conflicts={conflicts} />}
        {look.principal.scopes.has('device') ? (
          <ActForm act="approve" form_token={look.form_token}>
            <Field label="Name" name="name" value={look.fields.text('name')} note="empty: its host name" />
            <Lines
              label="Tags"
              name="tags"
              value={look.fields.text('tags') ?? ''}
              note="name=value, one on a line; empty: those of the one it replaces"
            />
            {conflicts.length === 0 ? (
              ''
            ) : (
              <PlaceChoice conflicts={conflicts} chosen={look.fields.text('place')} />
            )}
            <p>
              <Button label="Let it in" />
            </p>
          </ActForm>
        ) : (
          <p class="faint">An operator decides.</p>
        )}
      </div>
    </Card>
  );
}

function ConflictWarning(props: { device: DeviceSummary; conflicts: readonly DeviceSummary[] }) {
  return (
    <div class="message bad" role="alert">
      <p>
        <strong>It says that it is a machine you know, with another key.</strong> Either that machine was
        installed anew, or somebody copies what it says of itself. Name, serial number and MAC address prove
        nothing: go and see, and compare the code on its screen.
      </p>
      <ul>
        {props.conflicts.map((other) => (
          <li>
            <a href={`/devices/${other.id}`} safe>
              {deviceName(other)}
            </a>
            <span safe>{`, ${other.state}, has the same ${sameness(props.device, other)}`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function PlaceChoice(props: { conflicts: readonly DeviceSummary[]; chosen: string | undefined }) {
  return (
    <fieldset>
      <legend>In whose place?</legend>
      {props.conflicts
        .filter(({ state }) => state === 'approved')
        .map((other) => (
          <label class="choice">
            <input type="radio" name="place" value={other.id} required checked={props.chosen === other.id} />
            <span safe>
              {`In the place of ${deviceName(other)}: it was installed anew. The old record ends; name and tags go over.`}
            </span>
          </label>
        ))}
      <label class="choice">
        <input type="radio" name="place" value="none" required checked={props.chosen === 'none'} />
        <span>Beside it: these are two machines.</span>
      </label>
    </fieldset>
  );
}

/** What two devices both say. */
function sameness(a: DeviceSummary, b: DeviceSummary): string {
  const same = [
    a.serial !== null && a.serial === b.serial ? `serial number ${a.serial}` : '',
    a.mac !== null && a.mac === b.mac ? `MAC address ${a.mac}` : '',
  ].filter((what) => what !== '');
  return same.length > 0 ? same.join(' and ') : 'product id';
}
