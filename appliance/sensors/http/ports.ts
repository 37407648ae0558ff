import type { Findings } from '../../findings/findings.ts';
import type { SiteStore } from '../../site/store/store.ts';
import type { SensorAdmission } from '../admission/admission.ts';
import type { SensorCommands } from '../commands/commands.ts';
import type { SensorPrograms } from '../programs/program-folder.ts';
import type { SensorRegistry } from '../registry/registry.ts';

/** What the API is made of: everything that decides is elsewhere. */
export interface SensorApiParts {
  /** With the table of HTTP_KEYS_PART. */
  store: SiteStore;
  findings: Pick<Findings, 'record'>;
  commands: Pick<SensorCommands, 'pending' | 'result'>;
  registry: Pick<SensorRegistry, 'find' | 'list' | 'heard'>;
  admission: Pick<SensorAdmission, 'admit'>;
  /** Programs of the sensor that are handed out. */
  programs: SensorPrograms;
  /** Machines that are known by configuration, with or without a sensor. */
  knownHosts(): readonly { hostname: string }[];
  /** Default: KEY_REFILL_PER_S, ADDRESS_REFILL_PER_S. */
  limits?: { per_sensor_per_s?: number; per_address_per_s?: number };
  now_ms(): number;
  /** Told faults of ours, with their causes. */
  onFault(words: string): void;
}
