import type { Run } from '../../base/run.ts';
import { AGENT_USER, SITE_USER, userOwner } from '../identity/owner.ts';
import { AGENT_IMAGE_BYTES, SITE_IMAGE_BYTES } from './limits.ts';
import type { SetupPaths } from './paths.ts';
import type { ServiceStore } from './service-store.ts';

/** The services of the appliance that keep something, each in a place of its own. */
export function applianceStore(service: 'agent' | 'site', paths: SetupPaths, run: Run): ServiceStore {
  const ownedBy = (user: string) => userOwner(user, paths.passwd) ?? { uid: 0, gid: 0 };
  if (service === 'agent')
    return {
      ...{ image: paths.agentImage, mountPoint: paths.agentStore, size_bytes: AGENT_IMAGE_BYTES, run },
      ...{ label: 'BULKHEAD-AGENT', owner: ownedBy(AGENT_USER) },
      // It holds what waits for the coordinator, which can be told anew.
      whenDamaged: 'remove',
    };
  return {
    ...{ image: paths.siteImage, mountPoint: paths.siteStore, size_bytes: SITE_IMAGE_BYTES, run },
    ...{ label: 'BULKHEAD-SITE', owner: ownedBy(SITE_USER) },
    // It holds evidence.
    whenDamaged: 'put_aside',
  };
}
