import { join } from 'node:path';
import { getLogger } from '@logtape/logtape';
import { type Site, type SiteOptions, startSite } from '../../appliance/site/site.ts';
import { evidenceKey } from '../evidence/evidence-key.ts';

/** The whole service with all its parts, on free ports of the loopback interface. */
export function startTestSite(
  options: Pick<SiteOptions, 'folder' | 'socket'> & Partial<SiteOptions>,
): Promise<Site> {
  return startSite({
    ...{ evidenceKey: evidenceKey(), now: () => new Date(), log: getLogger('test') },
    config: { sensors: { enabled: true }, healing: { mode: 'off' }, targets: [] },
    sensorPrograms: join(options.folder, 'sensor-programs'),
    sensorPorts: { grpc: 0, http: 0, host: '127.0.0.1' },
    ...options,
  });
}
