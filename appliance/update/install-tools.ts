import { bootFacts } from '../../health-gate/boot-reading.ts';
import { readSlotContent } from '../../health-gate/slot-facts.ts';
import { discardSlot } from '../../partitions/boot-machine-linux.ts';
import { sameBootState } from '../../partitions/boot-state.ts';
import { refreshMirrors } from '../../partitions/boot-state-mirrors.ts';
import { writeBootState } from '../../partitions/boot-state-store.ts';
import type { Slot } from '../../partitions/slot.ts';
import type { InstallTools } from '../../updater/install/install.ts';
import { type TrustedKeys, trustedTime } from '../../updater/signing/trust.ts';
import { loadTrustedKeys, storeDeviceKeyset } from '../../updater/signing/trusted-keys.ts';
import { armSlot, requireState } from '../slots/operate.ts';
import { type Installed, requireInstalled } from '../slots/slots-tools.ts';
import type { RunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

/** The part of an installation that is the caller's. */
export type InstallCaller = Pick<
  InstallTools,
  'transferred_bytes' | 'fetch_max_bytes' | 'onEvent' | 'signal'
>;

/**
 * What installing a release touches on this appliance.
 *
 * @throws BulkheadError KEYS_DEVICE_SET_IGNORED, and other KEYS_… when the image has no key set that can be used
 */
export function installTools(
  tools: UpdateTools,
  installed: Installed,
  running: RunningRelease,
  caller: InstallCaller,
): InstallTools {
  const { device, manifest, target, machine } = running;
  return {
    ...caller,
    machine,
    target,
    base: { device, data_bytes: manifest.data_bytes, blob_bytes: manifest.blob_bytes },
    trust: {
      keys: trustedKeys(tools),
      store: (accepted) => storeDeviceKeyset(tools.paths.deviceKeyset, accepted),
    },
    boot: {
      id: installed.reading.bootId,
      armed: () => armedRelease(tools, target),
      discard: async () => {
        // As it is now: the health gate may have committed this boot while the release was looked for.
        discard(tools, await requireInstalled(tools.slots, 'update install'), target.slot);
        return refreshFacts(tools);
      },
      arm: async () => {
        await armSlot(tools.slots, target.slot);
        await refreshFacts(tools);
      },
    },
    pending: tools.pending,
    journalFile: tools.paths.transferJournal,
    // The clock of a box with a dead battery is behind; it must not bring back what has expired.
    now: () => new Date(trustedTime(tools.slots.now().getTime(), [manifest.built_at])),
  };
}

/** What is on the data partition may revoke what the image still trusts: where it cannot be read, nothing is trusted. */
function trustedKeys({ paths }: UpdateTools): TrustedKeys {
  const { keys, problem } = loadTrustedKeys(paths.imageKeyset, paths.deviceKeyset);
  if (problem !== null) throw problem;
  return keys;
}

/** As it is now, not as it was when the command began. */
async function armedRelease(tools: UpdateTools, target: RunningRelease['target']): Promise<string | null> {
  const { state } = (await requireInstalled(tools.slots, 'update install')).reading.bootState;
  if (state?.trial !== target.slot) return null;
  const content = await readSlotContent(target.device);
  return content.kind === 'image' ? content.manifest.verity.root_hash : null;
}

/** What the page shows of the slots is what the health gate last saw: it looks again, and nobody waits for it. */
export async function refreshFacts(tools: UpdateTools): Promise<void> {
  try {
    await tools.slots.run('systemctl', ['start', '--no-block', 'msp-health-observe.service']);
  } catch {
    // It looks by itself within minutes; an update does not fail for what is shown of it.
  }
}

function discard(tools: UpdateTools, installed: Installed, slot: Slot): void {
  const state = requireState(installed);
  const next = discardSlot(state, slot, installed.running, bootFacts(installed.reading).mode);
  if (sameBootState(state, next)) return;
  writeBootState(installed.espDevice, next);
  refreshMirrors(next, tools.slots.paths.mirrors);
}
