import { formatDuration } from '../../base/text.ts';
import type { SiteReport } from '../site/report.ts';
import type { Status } from '../status.ts';
import { headline } from '../view.ts';
import { Layout } from './layout.tsx';
import { Coordinator, Firewall, Network } from './network.tsx';
import { Moment } from './parts.tsx';
import { Services } from './services.tsx';
import { Site } from './site.tsx';
import { Ship } from './slots.tsx';
import { Identity, System, Time } from './system.tsx';
import { Updates } from './updates.tsx';
import { Notices, VerdictBanner, Verdicts } from './verdict.tsx';
import { brief, UNKNOWN } from './words.ts';

/**
 * The whole page as HTML. A pure function of the status and of the site: nothing else can be on it.
 *
 * @param site null: its service does not answer
 */
export function renderStatusPage(status: Status, site: SiteReport | null = null): string {
  const verdict = headline(status);
  const hostname = brief(status.identity.hostname);
  return document_(
    <Layout
      tone={verdict.tone}
      title={`${verdict.word} · ${hostname}`}
      hostname={hostname}
      site={status.identity.siteId && brief(status.identity.siteId)}
      asOf={<Moment at={status.time.now} zone={status.time.zone} />}
    >
      <VerdictBanner headline={verdict} facts={atAGlance(status)} />
      <Notices status={status} />
      <div class="cards">
        <Ship status={status} />
        <Site site={site} />
        <Updates status={status} />
        <Identity status={status} />
        <System status={status} />
        <Network status={status} />
        <Firewall status={status} />
        <Time status={status} />
        <Coordinator status={status} />
        <Verdicts status={status} />
        <Services status={status} />
      </div>
    </Layout>,
  );
}

function atAGlance({ boot, version, system, network }: Status): [string, string][] {
  return [
    ['Slot', boot.slot ?? UNKNOWN],
    ['Version', version.running],
    ['Attempt', boot.attempt === null ? UNKNOWN : `${boot.attempt} of ${boot.maxAttempts}`],
    ['Up', formatDuration(system.uptime_s)],
    ['Address', network.primaryAddress ?? UNKNOWN],
  ];
}

/** Kita renders to a string unless a component is asynchronous, and none here is. */
export function document_(html: JSX.Element): string {
  if (typeof html !== 'string') throw new TypeError('the page has an asynchronous part');
  return `<!doctype html>${html}`;
}
