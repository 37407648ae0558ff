import type { ComplianceSource } from '../../status-page/compliance/source.ts';
import { askSite, callSite } from '../site/control/client.ts';
import { ASK_TIMEOUT_MS } from './limits.ts';

/** What the status page shows of compliance, asked of the service of the site. @param socket instead of the appliance's */
export function complianceSource(socket?: string): ComplianceSource {
  const where = socket === undefined ? {} : { socket };
  const file = async (path: string) => {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    return new Uint8Array(await (await askSite(path, { ...where, signal })).arrayBuffer());
  };
  return {
    report: () => callSite('/v1/compliance', { ...where, signal: AbortSignal.timeout(ASK_TIMEOUT_MS) }),
    csv: () => file('/v1/compliance/export.csv'),
    pdf: () => file('/v1/compliance/export.pdf'),
  };
}
