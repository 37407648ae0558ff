import type { SiteStore } from '../../site/store/store.ts';
import { SOFTWARE_MAX_BYTES } from './limits.ts';

/** What is installed on the machines of sensors, as each said when it registered last. Read seldom, so it is not kept in memory. */
export interface SensorSoftware {
  of(sensor: string): string[];
  /** As many as fit are kept, in their order. */
  keep(sensor: string, programs: readonly string[]): Promise<void>;
}

/** @param store with the tables of SENSORS_PART */
export function createSoftware(store: SiteStore): SensorSoftware {
  const read = (sensor: string): string | null =>
    store.database
      .query<{ programs: string }, [string]>('select programs from sensor_software where sensor = ?')
      .get(sensor)?.programs ?? null;
  return {
    of: (sensor) => (read(sensor) ?? '').split('\n').filter((program) => program !== ''),
    async keep(sensor, programs) {
      const text = fitting(programs);
      if (text === (read(sensor) ?? '')) return;
      await store.write(
        (file) =>
          file
            .query(
              'insert into sensor_software (sensor, programs) values (?1, ?2) on conflict (sensor) do update set programs = ?2',
            )
            .run(sensor, text),
        text.length,
      );
    },
  };
}

/** One a line: the names have no control characters. */
function fitting(programs: readonly string[]): string {
  let size_bytes = 0;
  const kept = programs.filter((program) => {
    size_bytes += Buffer.byteLength(program) + 1;
    return size_bytes <= SOFTWARE_MAX_BYTES;
  });
  return kept.join('\n');
}
