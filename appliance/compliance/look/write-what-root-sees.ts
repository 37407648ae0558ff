import { BulkheadError } from '../../../base/errors.ts';
import { run } from '../../../base/run.ts';
import { DATA_MOUNT } from '../../../partitions/layout-names.ts';
import { loadConfig } from '../../config/load.ts';
import { setupPaths } from '../../setup/paths.ts';
import { lookAsRoot, type RootPlaces } from './look-as-root.ts';
import { writeRootSight } from './root-sight.ts';

const APPLIANCE_PLACES: RootPlaces = {
  root: '',
  proc: '/proc',
  sys: '/sys',
  etc: '/etc',
  dataMount: DATA_MOUNT,
  sshdConfig: '/usr/lib/bulkhead/sshd_config',
  authorizedKeys: setupPaths().authorizedKeys,
};

/**
 * Looks as root and writes it down for the service of the site.
 *
 * @returns a sentence for the log
 * @throws BulkheadError COMPLIANCE_NEEDS_ROOT; what writing the file throws
 */
export async function writeWhatRootSees(): Promise<string> {
  if (process.getuid?.() !== 0)
    throw new BulkheadError('COMPLIANCE_NEEDS_ROOT', 'only root can see these things', {
      hint: 'msp-health-observe.service does it every five minutes',
    });
  const { config } = loadConfig();
  const { justifications } = config.compliance;
  writeRootSight(await lookAsRoot({ places: APPLIANCE_PLACES, run, now: () => new Date(), justifications }));
  return `what root sees of the controls is written down, with ${justifications.length} justifications`;
}
