import { PAGE_ADDRESSES_MAX, PAGE_INTERFACES_MAX, PAGE_PORTS_MAX } from '../limits.ts';
import type { InterfaceStatus, Status } from '../status.ts';
import { stages } from '../view.ts';
import { Standing } from './link.tsx';
import { Card, Chip, Fact, HashFact, Mark, Moment, MomentFact, More } from './parts.tsx';
import { brief, clip } from './words.ts';

export function Network(props: { status: Status }) {
  const { interfaces, primaryAddress, gateway, dns } = props.status.network;
  const shown = interfaces.slice(0, PAGE_INTERFACES_MAX);
  return (
    <Card id="network" title="Network">
      <dl class="facts">
        <Fact name="Address" value={primaryAddress} mono />
        <Fact name="Gateway" value={gateway} mono />
        <Fact name="DNS" value={dns.length === 0 ? 'none' : clip(dns.join(', '))} mono={dns.length > 0} />
      </dl>
      {shown.map((each) => (
        <Interface each={each} />
      ))}
      <More count={interfaces.length - shown.length} what="interfaces" />
    </Card>
  );
}

function Interface(props: { each: InterfaceStatus }) {
  const { name, mac, up, carrier, speed_mbps, addresses } = props.each;
  return (
    <div class="interface">
      <h3>
        <span class="mono" safe>
          {brief(name)}
        </span>
        <Chip
          tone={carrier ? 'good' : up ? 'warn' : 'plain'}
          word={carrier ? 'connected' : up ? 'no cable' : 'switched off'}
        />
        <span class="faint" safe>
          {speed_mbps === null || !carrier ? '' : `${speed_mbps} Mbit/s`}
        </span>
      </h3>
      <ul class="mono">
        {addresses.slice(0, PAGE_ADDRESSES_MAX).map((address) => (
          <li safe>{brief(address)}</li>
        ))}
        {mac === null ? (
          ''
        ) : (
          <li class="faint" safe>
            {brief(mac)}
          </li>
        )}
      </ul>
      <More count={addresses.length - PAGE_ADDRESSES_MAX} what="addresses" />
    </div>
  );
}

export function Firewall(props: { status: Status }) {
  const { firewall, time } = props.status;
  const ports = firewall.openPorts.slice(0, PAGE_PORTS_MAX);
  return (
    <Card id="firewall" title="Firewall">
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd>
            <Chip tone={firewall.loaded ? 'good' : 'bad'} word={firewall.loaded ? 'loaded' : 'not loaded'} />
          </dd>
        </div>
        <Fact name="Rules" value={firewall.rules} />
        <div>
          <dt>Open ports</dt>
          <dd>
            {ports.length === 0 ? (
              'none'
            ) : (
              <ul class="ports mono">
                {ports.map((port) => (
                  <li safe>{brief(port)}</li>
                ))}
              </ul>
            )}
            <More count={firewall.openPorts.length - ports.length} what="ports" />
          </dd>
        </div>
        <HashFact name="Rule set" value={firewall.digest} />
        {firewall.checkedAt === null ? (
          ''
        ) : (
          <MomentFact name="Checked" at={firewall.checkedAt} zone={time.zone} />
        )}
      </dl>
    </Card>
  );
}

const STAGE_MARKS = { passed: 'good', failed: 'bad', unknown: 'unknown' } as const;
const STAGE_WORDS = { passed: 'works', failed: 'fails', unknown: 'not tried' } as const;

export function Coordinator(props: { status: Status }) {
  const { coordinator, time } = props.status;
  if (!coordinator.configured) {
    return (
      <Card id="coordinator" title="Coordinator">
        <Chip tone="plain" word="not configured" />
        <p class="faint" safe>
          {clip(coordinator.message || 'This appliance works on its own.')}
        </p>
      </Card>
    );
  }
  const reachable = coordinator.reachable;
  return (
    <Card id="coordinator" title="Coordinator">
      <p>
        <Chip
          tone={reachable === null ? 'plain' : reachable ? 'good' : 'warn'}
          word={reachable === null ? 'not tried yet' : reachable ? 'reachable' : 'not reachable'}
        />{' '}
        <span class="mono" safe>
          {clip(coordinator.url ?? '', 120)}
        </span>
      </p>
      <ol class="stages" aria-label="Way to the coordinator">
        {stages(coordinator).map(({ stage, outcome }) => (
          <li class={outcome}>
            <Mark tone={STAGE_MARKS[outcome]} />
            <span>{stage}</span>{' '}
            <small class={outcome === 'unknown' ? 'unseen' : ''}>{STAGE_WORDS[outcome]}</small>
          </li>
        ))}
      </ol>
      <p safe>{clip(coordinator.message)}</p>
      {coordinator.link === null ? '' : <Standing link={coordinator.link} zone={time.zone} />}
      {coordinator.checkedAt === null ? (
        ''
      ) : (
        <p class="faint">
          last tried <Moment at={coordinator.checkedAt} zone={time.zone} />
        </p>
      )}
    </Card>
  );
}
