import { formatBytes } from '../../base/text.ts';
import type { Tone } from '../assets.ts';
import { PAGE_SERVICES_MAX } from '../limits.ts';
import type { ServiceStatus, Status } from '../status.ts';
import { Card, Chip, More } from './parts.tsx';
import { brief, counted } from './words.ts';

const TONES: Record<ServiceStatus['state'], Tone | 'plain'> = {
  running: 'good',
  done: 'good',
  starting: 'wait',
  failed: 'bad',
  stopped: 'plain',
};

export function Services(props: { status: Status }) {
  const { services } = props.status;
  // Failed ones first: they must not be what the limit leaves out.
  const ordered = [...services].sort(
    (one, other) => Number(other.state === 'failed') - Number(one.state === 'failed'),
  );
  const shown = ordered.slice(0, PAGE_SERVICES_MAX);
  return (
    <Card id="services" title="Services" wide>
      <table>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Memory
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((each) => (
            <Service each={each} />
          ))}
        </tbody>
      </table>
      <More count={services.length - shown.length} what="services" />
    </Card>
  );
}

function Service(props: { each: ServiceStatus }) {
  const { unit, description, state, critical, restarts, memory_bytes } = props.each;
  return (
    <tr data-key={brief(unit)}>
      <th scope="row">
        <span safe>{brief(description || unit)}</span>
        <small class="faint mono" safe>
          {brief(unit.replace(/\.service$/, ''))}
        </small>
      </th>
      <td>
        <Chip tone={TONES[state]} word={state} />
        <small class="faint" safe>
          {[critical ? 'critical' : null, restarts ? counted(restarts, 'restart') : null]
            .filter((each) => each !== null)
            .join(', ')}
        </small>
      </td>
      <td class="number" safe>
        {memory_bytes === null ? '–' : formatBytes(memory_bytes)}
      </td>
    </tr>
  );
}
