import type { BulkheadError } from '../../base/errors.ts';
import { httpStatusOf } from '../problem.ts';
import { Layout } from './layout.tsx';
import { document_ } from './status-page.tsx';
import { VerdictBanner } from './verdict.tsx';

/**
 * The page when there is no status to show, or no such page. The words of the banner say at once whether it is the
 * address that is wrong or the appliance that needs help.
 */
export function renderProblemPage(problem: BulkheadError): string {
  const callersMistake = httpStatusOf(problem) < 500;
  const word = callersMistake ? 'Not here' : 'Unknown';
  return document_(
    <Layout
      tone="unknown"
      title={callersMistake ? word : `${word} · the appliance cannot tell its state`}
      hostname={null}
      site={null}
      {...stillAt(problem)}
      asOf={<span>{callersMistake ? '' : 'no current facts'}</span>}
    >
      <VerdictBanner headline={{ tone: 'unknown', word, reason: problem.message }} facts={[]} />
      <section class="card wide" aria-labelledby="problem-title">
        <h2 id="problem-title">What to do</h2>
        <p safe>{problem.hint ?? 'Reload the page in a moment.'}</p>
        <p>
          <a href="/">Show the status</a>
        </p>
        <p class="faint">
          Code <code safe>{problem.code}</code>
        </p>
      </section>
    </Layout>,
  );
}

/** Where the problem is of a page that stands still, no script may put the status in its place. */
function stillAt({ code }: BulkheadError): { still?: string } {
  if (code === 'STATUS_COMPLIANCE_FAILED') return { still: '/compliance' };
  return code === 'STATUS_SITE_FAILED' || code.startsWith('STATUS_FORM_') ? { still: '/site' } : {};
}
