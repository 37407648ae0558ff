import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Check, failed, passed, skipped } from '../check.ts';
import { CHECK_TIMEOUT_MS, COORDINATOR_TIMEOUT_MS, TEMPERATURE_WARN_C } from '../limits.ts';
import { readWatchdog } from '../watchdog.ts';

/** What is reported and never decides: a dead time server or a warm room is no reason to give up an update. */
export const timeSynchronised: Check = {
  name: 'time-synchronised',
  decisive: false,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    return existsSync(context.paths.timeSynchronisedFile)
      ? passed('the clock was set from a time server')
      : failed('no time server has answered since the start');
  },
};

/** A hardware watchdog is there and running: without it a hang that the kernel does not notice needs a person. */
export const watchdogRunning: Check = {
  name: 'watchdog',
  decisive: false,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const watchdog = readWatchdog(context.paths.sysFolder);
    if (!watchdog.present) return failed('there is no hardware watchdog');
    const armed = context.initrd.watchdogArmed
      ? 'armed before the root was mounted'
      : 'not armed by the initrd';
    const shown = `${watchdog.identity ?? 'watchdog'}, ${watchdog.timeout_s ?? 'unknown'} s, ${armed}`;
    return watchdog.active === false ? failed(`the watchdog is not running: ${shown}`) : passed(shown);
  },
};

/** The hottest sensor, from thermal zones and hwmon chips (Documentation/ABI/testing/sysfs-class-thermal). */
export const temperature: Check = {
  name: 'temperature',
  decisive: false,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const values = await readTemperatures_c(context.paths.sysFolder);
    if (values.length === 0) return skipped('no temperature sensor');
    const hottest = Math.max(...values);
    const shown = `the hottest of ${values.length} sensors shows ${hottest.toFixed(1)} °C`;
    return hottest >= TEMPERATURE_WARN_C ? failed(shown) : passed(shown);
  },
};

/** Command line, boot state and mounted device name the same slot. A contradiction is reported, not guessed away. */
export const slotContradiction: Check = {
  name: 'slot-contradiction',
  decisive: false,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const { slot, contradiction } = context.slot;
    if (context.live) return skipped('a live boot runs from no slot');
    return contradiction === null ? passed(`everything says slot ${slot}`) : failed(contradiction);
  },
};

/** The coordinator answers. Whether it may decide is a matter of policy and of what was before the update. */
export const coordinator: Check = {
  name: 'coordinator',
  decisive: false,
  timeout_ms: () => COORDINATOR_TIMEOUT_MS,
  async find(context, signal) {
    if (context.coordinatorUrl === null) return skipped('no coordinator is configured');
    const url = new URL('/health', context.coordinatorUrl).href;
    const response = await context.fetch(url, { signal });
    await response.body?.cancel();
    return response.ok ? passed(`${url} answers`) : failed(`${url} answers ${response.status}`);
  },
};

async function readTemperatures_c(sysFolder: string): Promise<number[]> {
  const files = [
    ...listFiles(`${sysFolder}/class/thermal`, /^thermal_zone\d+$/, /^temp$/),
    ...listFiles(`${sysFolder}/class/hwmon`, /^hwmon\d+$/, /^temp\d+_input$/),
  ];
  const values: number[] = [];
  for (const file of files) {
    // A sensor that is asleep answers with an error; the others still count.
    const milli_c = Number(await readFile(file, 'utf8').catch(() => 'none'));
    if (Number.isFinite(milli_c)) values.push(milli_c / 1000);
  }
  return values;
}

function listFiles(folder: string, subfolder: RegExp, file: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => subfolder.test(name))
    .flatMap((name) =>
      readdirSync(`${folder}/${name}`)
        .filter((inner) => file.test(inner))
        .map((inner) => `${folder}/${name}/${inner}`),
    );
}
