/**
 * Tables between a probability and its logit, ln(p / (1 - p)). Encoder and decoder must come to the same bits on any
 * machine, so the tables are made with +, -, * and / alone, which IEEE 754 rounds the same everywhere; Math.exp is not.
 */

const STRETCH_SIZE = 4096;
const SQUASH_SIZE = 4096;
/** Logits beyond this are as good as certain. */
const LOGIT_MAX = 12;
/** Chances of a bit stay this far from 0 and 65536, so that a surprise costs 12 bits and not the piece. */
const CHANCE_MIN = 16;

const STRETCH = new Float32Array(STRETCH_SIZE);
const SQUASH = new Uint16Array(SQUASH_SIZE);
for (let step = 0; step < SQUASH_SIZE; step += 1) {
  const logit = ((step + 0.5) / SQUASH_SIZE) * 2 * LOGIT_MAX - LOGIT_MAX;
  const chance = Math.round(65536 / (1 + exponential(-logit)));
  SQUASH[step] = Math.max(CHANCE_MIN, Math.min(65536 - CHANCE_MIN, chance));
}
for (let step = 0; step < STRETCH_SIZE; step += 1) {
  const chance = (step + 0.5) / STRETCH_SIZE;
  STRETCH[step] = logarithm(chance) - logarithm(1 - chance);
}

/** @param chance in 4096ths */
export function stretch(chance: number): number {
  return STRETCH[chance] ?? 0;
}

/** @returns the chance in 65536ths, CHANCE_MIN away from both ends */
export function squash(logit: number): number {
  const step = (logit + LOGIT_MAX) * (SQUASH_SIZE / (2 * LOGIT_MAX));
  return SQUASH[step <= 0 ? 0 : step >= SQUASH_SIZE ? SQUASH_SIZE - 1 : step | 0] ?? 0;
}

/** e to the x by its series around 0, which converges in 40 terms after halving. */
function exponential(x: number): number {
  const small = x / 16;
  let term = 1;
  let sum = 1;
  for (let n = 1; n < 40; n += 1) {
    term = (term * small) / n;
    sum += term;
  }
  const fourth = sum * sum * (sum * sum);
  return fourth * fourth * (fourth * fourth);
}

/** Natural logarithm by the series of artanh; good to 1e-12 for what the table needs. */
function logarithm(x: number): number {
  let scaled = x;
  let halvings = 0;
  while (scaled < 0.7) {
    scaled *= 2;
    halvings += 1;
  }
  return series(scaled) - halvings * series(2);
}

function series(x: number): number {
  const z = (x - 1) / (x + 1);
  let power = z;
  let sum = 0;
  for (let n = 1; n < 60; n += 2) {
    sum += power / n;
    power *= z * z;
  }
  return 2 * sum;
}
