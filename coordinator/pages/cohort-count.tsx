import { BulkheadError } from '../../base/errors.ts';
import { surveyCohort } from '../devices/find.ts';
import { type DeviceSummary, readDevices } from '../devices/list.ts';
import { parseQuery } from '../rollouts/cohort/parse-query.ts';
import { COHORT_SHOWN } from './limits.ts';
import type { Look } from './page.ts';
import { filledIn } from './rollout-form.ts';
import { countText, deviceName, linkTo } from './words.ts';

/** Whom a query that stands in the form means now; where a script runs, it is asked for again with each change. */
export async function CohortCount(props: { look: Look; version: string | undefined }): Promise<JSX.Element> {
  return (
    <div id="whom-count" role="status">
      {await said(props.look, props.version)}
    </div>
  );
}

async function said(look: Look, version: string | undefined): Promise<JSX.Element> {
  const cohort = filledIn(look, 'cohort');
  try {
    const query = parseQuery(cohort);
    const survey = await surveyCohort(look.coordinator, query, { version, ids_max: COHORT_SHOWN });
    const { matching, fleet, current, ids } = survey;
    const runs =
      current === 0
        ? ''
        : ` ${current.toLocaleString('en')} of them ${current === 1 ? 'runs' : 'run'} ${version} already.`;
    return (
      <>
        <p
          safe
        >{`${matching.toLocaleString('en')} of ${countText(fleet, 'appliance')} ${matching === 1 ? 'matches' : 'match'} now.${runs}`}</p>
        <FirstOnes devices={await readDevices(look.coordinator, ids)} matching={matching} cohort={cohort} />
      </>
    );
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    return (
      <p class="fault" safe>
        {error.message}
      </p>
    );
  }
}

function FirstOnes(props: { devices: DeviceSummary[]; matching: number; cohort: string }) {
  if (props.devices.length === 0) return '';
  const more = props.matching - props.devices.length;
  return (
    <ul class="names">
      {props.devices.map((device) => (
        <li>
          <a href={`/devices/${device.id}`} safe>
            {deviceName(device)}
          </a>{' '}
          <small class="faint" safe>
            {device.image_version ?? 'version not known'}
          </small>
        </li>
      ))}
      {more <= 0 ? (
        ''
      ) : (
        <li>
          <a href={linkTo('/', { cohort: props.cohort })} safe>
            {`and ${more.toLocaleString('en')} more`}
          </a>
        </li>
      )}
    </ul>
  );
}
