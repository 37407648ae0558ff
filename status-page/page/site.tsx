import { openFindings, type SiteReport, sensorsInWords } from '../site/report.ts';
import { Card, Fact } from './parts.tsx';

/** The site on the status page, in a line or two; the page of the site has the rest. */
export function Site(props: { site: SiteReport | null }) {
  if (props.site === null) return '';
  const { counts, healing } = props.site;
  const { critical, high } = counts.findings;
  return (
    <Card id="site" title="Site">
      <dl class="facts">
        <Fact name="Sensors" value={sensorsInWords(counts) ?? 'not enabled'} />
        <Fact
          name="Open findings"
          value={openFindings(counts)}
          note={critical + high === 0 ? undefined : `${critical + high} critical or high`}
        />
        <Fact name="Healing" value={healing.mode === 'dry_run' ? 'dry run' : healing.mode} />
      </dl>
      <p>
        <a href="/site">{counts.waiting === 0 ? 'Show the site' : 'Let in who waits'}</a>
        {counts.waiting === 0 ? '' : <span class="faint"> ({counts.waiting})</span>}
      </p>
    </Card>
  );
}
