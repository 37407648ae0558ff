import { formatDuration } from '../../base/text.ts';
import type { DeviceChange, DeviceDetails } from '../devices/list.ts';
import { Ago, Card, Chip, Fact, Moment, Table, TagList } from './parts.tsx';
import { plain, updateUnderWay, valueText } from './words.ts';

interface DeviceProps {
  device: DeviceDetails;
}

/** Who it is and when it was there. */
export function SummaryCard({ device, now_ms }: DeviceProps & { now_ms: number }) {
  const { replaced_by } = device;
  return (
    <Card id="summary" title="Appliance">
      <dl class="facts">
        <div>
          <dt>Heard</dt>
          <dd>
            <Ago at_ms={device.heard_ms} now_ms={now_ms} />
          </dd>
        </div>
        <Fact name="Up" value={device.uptime_s === null ? null : formatDuration(device.uptime_s)} />
        <Fact name="Version" value={device.image_version} />
        <Fact name="Agent" value={device.agent_version} />
        <Fact name="Update" value={updateUnderWay(device) ?? 'none under way'} />
        <Fact name="Host name" value={device.hostname} />
        <Fact name="Hardware" value={device.hardware} />
        <Fact name="Serial number" value={device.serial} />
        <Fact name="MAC address" value={device.mac} mono />
        <div>
          <dt>Tags</dt>
          <dd>
            <TagList tags={device.tags} />
          </dd>
        </div>
        <div>
          <dt>Came</dt>
          <dd>
            <Moment at_ms={device.created_ms} />
          </dd>
        </div>
        <div>
          <dt>Decided</dt>
          <dd>
            <Moment at_ms={device.decided_ms} /> <span safe>{device.decided_by ?? ''}</span>
          </dd>
        </div>
        {replaced_by === null ? (
          ''
        ) : (
          <div>
            <dt>Replaced by</dt>
            <dd>
              <a href={`/devices/${replaced_by}`} safe>
                {replaced_by}
              </a>
            </dd>
          </div>
        )}
        <Fact name="Id" value={device.id} mono />
      </dl>
    </Card>
  );
}

/** What it has reported of itself. */
export function FingerprintCard({ device: { fingerprint, reported_ms } }: DeviceProps) {
  if (fingerprint === null)
    return (
      <Card id="facts" title="Facts">
        <p class="faint">It has reported nothing yet.</p>
      </Card>
    );
  return (
    <Card id="facts" title="Facts">
      <dl class="facts">
        <div>
          <dt>Reported</dt>
          <dd>
            <Moment at_ms={reported_ms} />
          </dd>
        </div>
        {Object.entries(fingerprint).map(([name, value]) => (
          <Fact name={plain(name)} value={value === null ? null : valueText(value)} />
        ))}
      </dl>
    </Card>
  );
}

export function KeysCard({ device: { keys } }: DeviceProps) {
  return (
    <Card id="keys" title="Keys">
      <Table
        label="Keys"
        heads={['Key', 'State', 'Since']}
        empty="There is none."
        rows={keys.map(({ key_id, state, added_ms }) => (
          <tr>
            <td class="mono" safe>
              {key_id}
            </td>
            <td>
              <Chip tone={state === 'active' ? 'good' : 'plain'} word={state} />
            </td>
            <td>
              <Moment at_ms={added_ms} />
            </td>
          </tr>
        ))}
      />
    </Card>
  );
}

/** History of its states: what has changed, and why it says so. */
export function ChangesCard(props: { changes: readonly DeviceChange[]; now_ms: number }) {
  return (
    <Card id="changes" title="What has changed">
      <Table
        label="What has changed"
        heads={['When', 'Why', 'What']}
        empty="Nothing has changed so far."
        rows={props.changes.map(({ observed_ms, reason, changes }) => (
          <tr>
            <td>
              <Ago at_ms={observed_ms} now_ms={props.now_ms} />
            </td>
            <td safe>{plain(reason)}</td>
            <td>
              <ul>
                {changes.map(({ field, before, after }) => (
                  <li safe>{`${plain(field)}: ${valueText(before)} → ${valueText(after)}`}</li>
                ))}
              </ul>
            </td>
          </tr>
        ))}
      />
    </Card>
  );
}
