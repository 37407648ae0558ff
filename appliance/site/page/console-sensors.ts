import type { SensorList } from '../../sensors/control.ts';
import { sensorPresence } from '../../sensors/registry/presence.ts';
import { callSite } from '../control/client.ts';
import { CONSOLE_ASK_INTERVAL_MS, PAGE_ASK_TIMEOUT_MS } from '../limits.ts';

/** What the console shows of sensors. */
export interface ConsoleSensors {
  live: number;
  /** Who reads it stands at the box, and may let a sensor in on the status page. */
  code: string;
}

export interface SensorsWatch {
  /** null: sensors are not enabled, or the service does not answer. */
  current(): ConsoleSensors | null;
  /** Asks now: the code may be another one. */
  look(): void;
  stop(): void;
}

/**
 * Asks the service of the site now and then for what the console shows. Says nothing about what goes wrong: the page does.
 *
 * @param onChange called when `current` is not what it was
 */
export function watchSensors(options: {
  now: () => Date;
  onChange: () => void;
  socket?: string | undefined;
}): SensorsWatch {
  const { now, onChange, socket } = options;
  let known: ConsoleSensors | null = null;
  let asking = false;
  let again = false;
  let stopped = false;

  const ask = async (): Promise<ConsoleSensors | null> => {
    const call = {
      signal: AbortSignal.timeout(PAGE_ASK_TIMEOUT_MS),
      ...(socket === undefined ? {} : { socket }),
    };
    try {
      const { code } = (await callSite('/v1/sensors/console-code', call)) as { code: string };
      const { sensors } = (await callSite('/v1/sensors', call)) as SensorList;
      return {
        live: sensors.filter((sensor) => sensorPresence(sensor, now().getTime()) === 'live').length,
        code,
      };
    } catch {
      // A code that may be wrong is not shown.
      return null;
    }
  };
  const look = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    do {
      again = false;
      const seen = await ask();
      if (stopped) return;
      const isNews = seen?.live !== known?.live || seen?.code !== known?.code;
      known = seen;
      if (isNews) onChange();
    } while (again);
    asking = false;
  };
  const timer = setInterval(() => void look(), CONSOLE_ASK_INTERVAL_MS);
  void look();
  return {
    current: () => known,
    look: () => void look(),
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}
