import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { formatBytes } from '../../base/text.ts';
import {
  admitReport,
  type ComplianceFilter,
  type ComplianceReport,
} from '../../status-page/compliance/report.ts';
import { askSite, callSite, type SiteCall } from '../site/control/client.ts';

/** The report of the service. @throws BulkheadError SITE_NOT_RUNNING, SITE_ANSWER, and what the service says */
export async function readReport(path: string, call: SiteCall): Promise<ComplianceReport> {
  const report = admitReport(await callSite(path, call));
  if (report === null)
    throw new BulkheadError('SITE_ANSWER', `the answer to ${path} is no report of compliance`, {
      hint: 'the service may be of another version: restart bulkhead-site.service',
    });
  return report;
}

/** @throws BulkheadError COMPLIANCE_FILTER for a word that filters nothing */
export function requireFilter(
  words: { framework?: string; state?: string },
  filter: ComplianceFilter,
): ComplianceFilter {
  const wrong = (['framework', 'state'] as const).find(
    (name) => words[name] !== undefined && filter[name] === null,
  );
  if (wrong === undefined) return filter;
  throw new BulkheadError('COMPLIANCE_FILTER', `there is no ${wrong} ${words[wrong]}`, {
    hint: "'bulkhead compliance status --help' lists them",
  });
}

export interface ExportOptions {
  csv?: true;
  pdf?: true;
  json?: true;
  out?: string;
  socket: string;
}

/**
 * One export, into a file or, for text, to be printed.
 *
 * @throws BulkheadError COMPLIANCE_EXPORT, SITE_NOT_RUNNING, SITE_ANSWER, and what the service and the file system say
 */
export async function exportReport(
  options: ExportOptions,
): Promise<{ content: string | null; told: string | null }> {
  const { csv, pdf, json, out, socket } = options;
  if ([csv, pdf, json].filter(Boolean).length > 1)
    throw new BulkheadError('COMPLIANCE_EXPORT', 'an export is one of --csv, --pdf and --json');
  if (pdf && out === undefined)
    throw new BulkheadError('COMPLIANCE_EXPORT', 'a PDF is nothing for a terminal', {
      hint: 'name a file: --out compliance.pdf',
    });
  const path = json ? '' : pdf ? '/export.pdf' : '/export.csv';
  const answer = await askSite(`/v1/compliance${path}`, { socket });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (out === undefined) return { content: bytes.toString('utf8'), told: null };
  writeFileAtomic(out, bytes, 0o600);
  return { content: null, told: `${out}: ${formatBytes(bytes.length)}` };
}
