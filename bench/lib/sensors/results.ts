import type { LoadFigures } from '../coordinator/results.ts';
import type { HostFacts } from '../host-facts.ts';
import type { ProofFigures } from './load/load-proof.ts';

/** bench/results/sensors.json. */
export interface SensorResults {
  host: HostFacts;
  quick: boolean;
  ways: WayFigures[];
  memory: MemoryFigures;
  heal: HealFigures;
  /** Under each trouble; none where they were left out. */
  proofs: ProofFigures[];
}

/** One way in: with durable acknowledgement, and with nothing behind it. */
export interface WayFigures {
  way: 'gRPC, one stream' | 'gRPC, a call for each event' | 'HTTP, by key' | 'HTTP, signed';
  whole: LoadFigures;
  empty: LoadFigures;
}

export interface MemoryFigures {
  sensors: number;
  before_bytes: number;
  after_bytes: number;
  per_sensor_bytes: number;
}

export interface HealFigures {
  samples: number;
  median_ms: number;
  p99_ms: number;
}
