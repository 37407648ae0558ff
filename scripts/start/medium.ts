import { mediumWith } from '../../test/qemu/harness/medium.ts';
import { ISO, MEDIUM } from './workplace.ts';

/** The ISO as a technician takes it along: with the configuration of this appliance on it, if it gets one. */
export async function makeMedium(configuration: string | undefined): Promise<void> {
  await mediumWith(ISO, MEDIUM, configuration === undefined ? {} : { 'config.yaml': configuration });
}
