import { formatBytes, formatDuration } from '../../base/text.ts';
import { USE_HIGH_RATIO } from '../limits.ts';
import type { Status } from '../status.ts';
import { ratio } from '../view.ts';
import { Card, Chip, Fact, HashFact, Use } from './parts.tsx';
import { formatOffset, formatTime, UNKNOWN } from './words.ts';

export function Identity(props: { status: Status }) {
  const { identity } = props.status;
  return (
    <Card id="identity" title="Identity">
      <dl class="facts">
        <Fact name="Host name" value={identity.hostname} />
        <Fact name="Site" value={identity.siteId} />
        <HashFact name="Device" value={identity.deviceId} />
        <HashFact name="Machine" value={identity.machineId} />
        <Fact name="Product" value={identity.product} note={identity.vendor ?? undefined} />
        <Fact name="Serial number" value={identity.serial} mono />
      </dl>
    </Card>
  );
}

export function System(props: { status: Status }) {
  const { memory, dataDisk, load, temperature_c, watchdog, uptime_s } = props.status.system;
  return (
    <Card id="system" title="System">
      <dl class="facts">
        <Fact name="Uptime" value={formatDuration(uptime_s)} />
        <Use
          name="Memory"
          text={used(memory.used_bytes, memory.total_bytes)}
          part={ratio(memory.used_bytes, memory.total_bytes)}
          high={USE_HIGH_RATIO}
        />
        <Use
          name="Data disk"
          text={`${used(dataDisk.used_bytes, dataDisk.total_bytes)}${dataDisk.readOnly ? ', read-only' : ''}`}
          part={ratio(dataDisk.used_bytes, dataDisk.total_bytes)}
          high={USE_HIGH_RATIO}
        />
        <Fact
          name="Load"
          value={
            load.length === 0
              ? null
              : load
                  .slice(0, 3)
                  .map((each) => each.toFixed(2))
                  .join(' · ')
          }
          note="1, 5 and 15 minutes"
        />
        <Fact name="Agent" value={formatBytes(memory.agent_bytes)} />
        <Fact name="Temperature" value={temperature_c === null ? null : `${Math.round(temperature_c)} °C`} />
        <Fact name="Watchdog" value={watchdogWords(watchdog)} note={watchdog.identity ?? undefined} />
      </dl>
    </Card>
  );
}

function watchdogWords({ present, timeout_s }: Status['system']['watchdog']): string {
  if (!present) return 'none';
  return timeout_s === null ? 'present' : `resets after ${formatDuration(timeout_s)} of silence`;
}

function used(used_bytes: number | null, total_bytes: number | null): string {
  if (used_bytes === null || total_bytes === null) return UNKNOWN;
  return `${formatBytes(used_bytes)} of ${formatBytes(total_bytes)}`;
}

export function Time(props: { status: Status }) {
  const { now, zone, synchronised, server, offset_ms } = props.status.time;
  return (
    <Card id="time" title="Time">
      <dl class="facts">
        <Fact name="Clock" value={formatTime(now, zone)} note={zone} />
        <div>
          <dt>Synchronised</dt>
          <dd>
            {synchronised === null ? (
              <Chip tone="unknown" word={UNKNOWN} />
            ) : (
              <Chip tone={synchronised ? 'good' : 'warn'} word={synchronised ? 'yes' : 'no'} />
            )}
          </dd>
        </div>
        <Fact name="Server" value={server} />
        <Fact name="Offset" value={offset_ms === null ? null : formatOffset(offset_ms)} />
      </dl>
    </Card>
  );
}
