import { formatBytes } from '../base/text.ts';
import { measurePlanning, type PlanningFigures } from './lib/coordinator/planning.ts';

/** `bun bench/rollout-planning.ts [APPLIANCES…]`: how planning grows with the fleet. A warm-up comes first and is not shown. */

const sizes = process.argv.slice(2).map(Number);
measurePlanning(2000);
const figures = (sizes.length > 0 ? sizes : [1000, 10_000, 100_000]).map(measurePlanning);

const ms = (value: number) => `${value.toFixed(0)} ms`;
const rows: [string, (figure: PlanningFigures) => string][] = [
  ['appliances', (figure) => figure.appliances.toLocaleString('en')],
  ['first plan', (figure) => ms(figure.first_ms)],
  ['nothing new', (figure) => ms(figure.quiet_ms)],
  ['outcomes of a stage', (figure) => ms(figure.outcomes_ms)],
  ['last stage opens', (figure) => ms(figure.last_stage_ms)],
  ['return for everyone', (figure) => ms(figure.revert_ms)],
  ['rows of the first plan', (figure) => figure.first_effects.toLocaleString('en')],
  ['resident memory', (figure) => formatBytes(figure.resident_bytes)],
];
for (const [label, cell] of rows) {
  console.log(`${label.padEnd(24)}${figures.map((figure) => cell(figure).padStart(12)).join('')}`);
}
