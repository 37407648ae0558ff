import { freemem, totalmem } from 'node:os';
import { listNames, readLine, readNumber, readText } from './fact-files.ts';

/*
 * Read from /proc and /sys directly and not through systeminformation: its calls for temperature, disks, networks and
 * identity start a shell, `df`, `ip` or `dmidecode` each time (every 2 s while a page is open), and what it does without a
 * process (memory, load) is the same file parsed in the same way.
 */

export interface MemoryFacts {
  total_bytes: number;
  /** What could not be given to a new program: total minus the kernel's own estimate of what is available. */
  used_bytes: number;
}

/** From /proc/meminfo (proc_meminfo(5)); MemAvailable counts caches that can be dropped as free, MemFree would not. */
export function parseMemory(meminfo: string): MemoryFacts | null {
  const field = (name: string): number | null => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo);
    return match ? Number(match[1]) * 1024 : null;
  };
  const total_bytes = field('MemTotal');
  const available_bytes = field('MemAvailable');
  if (total_bytes === null || available_bytes === null) return null;
  return { total_bytes, used_bytes: Math.max(0, total_bytes - available_bytes) };
}

export function readMemory(proc: string): MemoryFacts {
  const facts = parseMemory(readText(`${proc}/meminfo`) ?? '');
  // Without /proc/meminfo (ProcSubset=pid hides it) sysinfo(2) still answers; it counts caches as used.
  return facts ?? { total_bytes: totalmem(), used_bytes: totalmem() - freemem() };
}

/** Seconds since the kernel started; null without /proc/uptime. */
export function readUptime(proc: string): number | null {
  const seconds = Number.parseFloat(readLine(`${proc}/uptime`) ?? '');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

/** Load over 1, 5 and 15 minutes; empty when not known. */
export function readLoad(proc: string): number[] {
  const numbers = (readLine(`${proc}/loadavg`) ?? '').split(' ').slice(0, 3).map(Number);
  return numbers.length === 3 && numbers.every(Number.isFinite) ? numbers : [];
}

/** Drivers whose first input is the processor, best first (T640: k10temp; Intel: coretemp). */
const PROCESSOR_SENSORS = ['k10temp', 'zenpower', 'coretemp', 'cpu_thermal', 'acpitz'];

/**
 * Degrees Celsius of the processor: hwmon in the order of PROCESSOR_SENSORS, then the first thermal zone.
 * Null when there is no sensor (every virtual machine) or what it says cannot be: some boards report -273 or 255.
 */
export function readTemperature(sys: string): number | null {
  const sensors = listNames(`${sys}/class/hwmon`).map((name) => {
    const folder = `${sys}/class/hwmon/${name}`;
    return {
      rank: PROCESSOR_SENSORS.indexOf(readLine(`${folder}/name`) ?? ''),
      input: `${folder}/temp1_input`,
    };
  });
  const inputs = sensors
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ input }) => input);
  const zones = listNames(`${sys}/class/thermal`)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((name) => `${sys}/class/thermal/${name}/temp`);
  for (const input of [...inputs, ...zones]) {
    const thousandths = readNumber(input);
    if (thousandths !== null && thousandths > -60_000 && thousandths < 150_000) return thousandths / 1000;
  }
  return null;
}
