import { formatBytes, formatDuration } from '../../base/text.ts';
import type { Tone } from '../assets.ts';
import { SITE_ROWS_MAX } from '../limits.ts';
import { Card, Chip, Fact, Moment } from '../page/parts.tsx';
import { brief, clip, counted } from '../page/words.ts';
import type { SensorReport, SensorState, Severity, SiteReport, Tier } from './report.ts';

/** Times on this page are UTC, as in the commands and the exports. */
export const ZONE = 'UTC';

const TIER_WORDS: Readonly<Record<Tier, string>> = {
  monitor_only: 'nothing, it reports',
  self_heal: 'what can be taken back',
  full_remediation: 'everything on the list',
};

/** What a tier means, in words. */
export function Tiers(props: { name: Tier }) {
  return <span safe>{`${TIER_WORDS[props.name]} (${props.name})`}</span>;
}

const SENSOR_TONES: Readonly<Record<SensorState, Tone | 'plain'>> = {
  live: 'good',
  silent: 'warn',
  revoked: 'plain',
};

const SEVERITY_TONES: Readonly<Record<Severity, Tone | 'plain'>> = {
  ...{ critical: 'bad', high: 'bad', medium: 'warn', low: 'plain', info: 'plain' },
};

/** How long ago, in words. */
function ago(at: string | null, now: string): string {
  if (at === null) return 'never';
  const passed_s = Math.floor((Date.parse(now) - Date.parse(at)) / 1000);
  return passed_s < 1 ? 'just now' : `${formatDuration(passed_s)} ago`;
}

export function Sensors(props: { report: SiteReport }) {
  const { sensors, counts, generated_at } = props.report;
  const shown = sensors.slice(0, SITE_ROWS_MAX);
  return (
    <Card id="sensors" title="Sensors" wide>
      {counts.sensors === null ? <p class="faint">Sensors are not enabled in the configuration.</p> : ''}
      {counts.sensors !== null && shown.length === 0 ? <p class="faint">No sensor is in.</p> : ''}
      {shown.length === 0 ? (
        ''
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Machine</th>
              <th scope="col">State</th>
              <th scope="col">Open findings</th>
              <th scope="col">May be told to do</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((sensor) => (
              <SensorRow sensor={sensor} now={generated_at} />
            ))}
          </tbody>
        </table>
      )}
      <LeftOut count={sensors.length - shown.length} />
    </Card>
  );
}

function SensorRow(props: { sensor: SensorReport; now: string }) {
  const { id, hostname, way, tier, os_version, agent_version, state, last_heard_at, open_findings } =
    props.sensor;
  const { newer_version } = props.sensor;
  const version = newer_version === null ? agent_version : `${agent_version} (behind ${newer_version})`;
  return (
    <tr>
      <th scope="row">
        <span safe>{brief(hostname)}</span>
        <small class="faint" safe>
          {clip([way, os_version, version].filter((word) => word !== '').join(' · '))}
        </small>
        <small class="mono faint" safe>
          {brief(id)}
        </small>
      </th>
      <td>
        <Chip tone={SENSOR_TONES[state]} word={state} />
        <small class="faint" safe>{`heard ${ago(last_heard_at, props.now)}`}</small>
      </td>
      <td>{open_findings}</td>
      <td safe>{tier}</td>
    </tr>
  );
}

export function Machines(props: { report: SiteReport }) {
  const { machines, generated_at } = props.report;
  if (machines.length === 0) return '';
  const shown = machines.slice(0, SITE_ROWS_MAX);
  return (
    <Card id="machines" title="Machines looked at from here" wide>
      <ul class="findings">
        {shown.map(({ name, address, platform, way, tier, looked_at, reachable, failing }) => (
          <li>
            <Chip {...machineState(reachable, failing)} /> <strong safe>{brief(name)}</strong>{' '}
            <span safe>{clip(failing.join(', '))}</span>
            <small class="faint" safe>
              {clip(
                `${address} · ${platform} by ${way} · ${tier} · looked at ${ago(looked_at, generated_at)}`,
              )}
            </small>
          </li>
        ))}
      </ul>
      <LeftOut count={machines.length - shown.length} />
    </Card>
  );
}

function machineState(reachable: boolean | null, failing: readonly string[]): { tone: Tone; word: string } {
  if (reachable === null) return { tone: 'unknown', word: 'not looked at yet' };
  if (!reachable) return { tone: 'bad', word: 'not reachable' };
  if (failing.length === 0) return { tone: 'good', word: 'in order' };
  return { tone: 'warn', word: counted(failing.length, 'check fails', 'checks fail') };
}

export function Findings(props: { report: SiteReport; open: number }) {
  const shown = props.report.findings.slice(0, SITE_ROWS_MAX);
  return (
    <Card id="findings" title="Open findings" wide>
      {shown.length === 0 ? <p class="faint">None.</p> : ''}
      <ul class="findings">
        {shown.map(({ hostname, check_type, severity, opened_at, actual, expected, times_seen }) => (
          <li>
            <Chip tone={SEVERITY_TONES[severity]} word={severity} /> <strong safe>{brief(hostname)}</strong>{' '}
            <span class="mono" safe>
              {brief(check_type)}
            </span>{' '}
            <span safe>{clip(actual)}</span>
            <small class="faint">
              <span safe>{clip(expected === '' ? '' : `should be: ${expected}. `)}</span>Since{' '}
              <Moment at={opened_at} zone={ZONE} /> UTC,{' '}
              <span safe>{`seen ${counted(times_seen, 'time')}`}</span>
            </small>
          </li>
        ))}
      </ul>
      <LeftOut count={props.open - shown.length} />
    </Card>
  );
}

export function Events(props: { report: SiteReport }) {
  const shown = props.report.events.slice(0, SITE_ROWS_MAX);
  return (
    <Card id="events" title="Last events" wide>
      {shown.length === 0 ? <p class="faint">None yet.</p> : ''}
      <ul class="findings">
        {shown.map(({ hostname, check_type, passed, actual, received_at }) => (
          <li>
            <Chip tone={passed ? 'good' : 'warn'} word={passed ? 'in order' : 'not in order'} />{' '}
            <strong safe>{brief(hostname)}</strong>{' '}
            <span class="mono" safe>
              {brief(check_type)}
            </span>{' '}
            <span safe>{clip(actual)}</span>
            <small class="faint">
              <Moment at={received_at} zone={ZONE} /> UTC
            </small>
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function Evidence(props: { report: SiteReport }) {
  const { records, size_bytes, max_bytes, failure, countersigned } = props.report.evidence;
  return (
    <Card id="evidence" title="Evidence" wide>
      <dl class="facts">
        <Fact name="Records" value={records} note="signed, each with the hash of the one before" />
        <Fact name="Room" value={`${formatBytes(size_bytes)} of ${formatBytes(max_bytes)}`} />
        <div>
          <dt>Countersigned</dt>
          <dd>
            {countersigned === null ? (
              <span class="faint">never by a coordinator</span>
            ) : (
              <>
                <span safe>{`up to ${countersigned.records}, `}</span>
                <Moment at={countersigned.at} zone={ZONE} /> UTC
              </>
            )}
          </dd>
        </div>
        {failure === null ? '' : <Fact name="Nothing is taken" value={failure} />}
      </dl>
    </Card>
  );
}

/** What a list left out. */
export function LeftOut(props: { count: number }) {
  if (props.count <= 0) return '';
  return (
    <p class="faint more">
      and {props.count} more; as many as fit are in the <a href="/api/v1/site">JSON</a>
    </p>
  );
}
