import { FINDING_SEVERITIES } from '../../protocol/messages/site-report.ts';
import type { DeviceSite } from '../site/read.ts';
import { Ago, Card, Chip } from './parts.tsx';
import { countText, linkTo, plain, SEVERITY_TONES } from './words.ts';

/** What an appliance sees of the site it stands in. */
export function SiteCard({ site, now_ms }: { site: DeviceSite | null; now_ms: number }) {
  if (site === null)
    return (
      <Card id="site" title="Site">
        <p class="faint">It has told nothing of its site.</p>
      </Card>
    );
  const { sensors, open, mode, report, device_id, received_ms } = site;
  const severities = FINDING_SEVERITIES.toReversed().filter((severity) => open[severity] > 0);
  const silent = report.sensors?.list.filter(({ state }) => state === 'silent') ?? [];
  return (
    <Card id="site" title="Site">
      <p>
        {severities.length === 0 ? <Chip tone="good" word="nothing open" /> : ''}
        {severities.map((severity) => (
          <a href={linkTo('/findings', { device: device_id, severity })}>
            <Chip
              tone={SEVERITY_TONES[severity]}
              word={`${open[severity].toLocaleString('en')} ${severity}`}
            />
          </a>
        ))}
      </p>
      <dl class="facts">
        <div>
          <dt>Told</dt>
          <dd>
            <Ago at_ms={received_ms} now_ms={now_ms} />
          </dd>
        </div>
        <div>
          <dt>Sensors</dt>
          <dd safe>{sensorsText(site)}</dd>
        </div>
        {silent.length === 0 ? (
          ''
        ) : (
          <div>
            <dt>Silent</dt>
            <dd safe>
              {namesText(
                silent.map(({ hostname }) => hostname),
                sensors.silent,
              )}
            </dd>
          </div>
        )}
        <div>
          <dt>Healing</dt>
          <dd safe>{healingText(mode, report.healing.rules_version)}</dd>
        </div>
        {report.compliance.map(({ framework, rate, fails, unknown }) => (
          <div>
            <dt safe>{framework}</dt>
            <dd safe>
              {rate === null ? 'nothing applies' : `${Math.floor(rate * 100)} %, ${fails + unknown} open`}
            </dd>
          </div>
        ))}
      </dl>
      {site.healings.length === 0 ? '' : <Healings site={site} now_ms={now_ms} />}
      <p class="pages">
        <a href={linkTo('/findings', { device: device_id })}>Findings of this site</a>
      </p>
    </Card>
  );
}

/** Of its healings, as many as a person reads; the API has more. */
const HEALINGS_SHOWN = 5;

function Healings({ site, now_ms }: { site: DeviceSite; now_ms: number }) {
  return (
    <ul>
      {site.healings.slice(0, HEALINGS_SHOWN).map(({ check_type, hostname, state, dry_run, began_ms }) => (
        <li>
          <span safe>{`${check_type} on ${hostname}: ${dry_run ? 'dry run' : plain(state)}`}</span>,{' '}
          <Ago at_ms={began_ms} now_ms={now_ms} />
        </li>
      ))}
    </ul>
  );
}

function sensorsText({ sensors: { live, silent, waiting }, report }: DeviceSite): string {
  if (report.sensors === null) return 'none are taken';
  const asks = waiting === 0 ? '' : `, ${countText(waiting, 'asks', 'ask')} to be let in`;
  return `${live.toLocaleString('en')} live, ${silent.toLocaleString('en')} silent${asks}`;
}

function healingText(mode: DeviceSite['mode'], rules_version: number | null): string {
  const rules = rules_version === null ? 'the rules of the program' : `rules version ${rules_version}`;
  return `${plain(mode)}, ${rules}`;
}

/** The first few of many. */
function namesText(names: readonly string[], count: number): string {
  const some = names.slice(0, 5).join(', ');
  return count > 5 ? `${some} and ${count - 5} more` : some;
}
