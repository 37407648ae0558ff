import type { Check } from '../check.ts';
import { agentAnswers } from './agent-answers.ts';
import { bootState } from './boot-state.ts';
import { clock } from './clock.ts';
import { criticalUnits } from './critical-units.ts';
import { dataPartition } from './data-partition.ts';
import { diskSpace } from './disk-space.ts';
import { firewallLoaded } from './firewall-loaded.ts';
import { memory } from './memory.ts';
import { address, networkLink } from './network.ts';
import {
  coordinator,
  slotContradiction,
  temperature,
  timeSynchronised,
  watchdogRunning,
} from './observed.ts';
import { siteAnswers } from './site-answers.ts';
import { statusAnswers } from './status-answers.ts';
import { updatePossible } from './update-possible.ts';
import { verityActive } from './verity-active.ts';

/** Every check, in the order in which people read them: what decides first. */
export const ALL_CHECKS: readonly Check[] = [
  dataPartition,
  agentAnswers,
  statusAnswers,
  siteAnswers,
  firewallLoaded,
  verityActive,
  diskSpace,
  memory,
  criticalUnits,
  clock,
  bootState,
  updatePossible,
  networkLink,
  address,
  timeSynchronised,
  coordinator,
  watchdogRunning,
  temperature,
  slotContradiction,
];
