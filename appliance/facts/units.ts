import { readText } from './fact-files.ts';
import type { ListedUnit } from './services.ts';

/** Shown beside the critical units: what a person looks for when something is odd, but what no boot is failed for. */
const OBSERVED_UNITS = [
  'msp-health-gate.service',
  'systemd-timesyncd.service',
  'bulkhead-sshd.service',
  'bulkhead-grow-data.service',
];

/** The units the page lists; none where no image says which are critical (a workstation). */
export function readListedUnits(criticalUnitsFile: string): ListedUnit[] {
  const text = readText(criticalUnitsFile);
  if (text === null) return [];
  const critical = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  const observed = OBSERVED_UNITS.filter((unit) => !critical.includes(unit));
  return [
    ...critical.map((unit) => ({ unit, critical: true })),
    ...observed.map((unit) => ({ unit, critical: false })),
  ];
}
