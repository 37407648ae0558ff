import { METERS_MAX } from './limits.ts';

interface Level {
  tokens: number;
  at_ms: number;
}

/** How much each of many may take: so much at once, and so much a second from then on (a token bucket each). */
export class Meters {
  readonly #per_s: number;
  readonly #burst: number;
  readonly #levels = new Map<string, Level>();

  constructor(limits: { per_s: number; burst: number }) {
    this.#per_s = limits.per_s;
    this.#burst = limits.burst;
  }

  /** @returns whether it may; if not, nothing was taken */
  take(who: string, now_ms: number): boolean {
    const level = this.#level(who, now_ms);
    if (level.tokens < 1) return false;
    level.tokens -= 1;
    return true;
  }

  /** Takes in any case. @returns ms until it may go on */
  owe(who: string, count: number, now_ms: number): number {
    const level = this.#level(who, now_ms);
    level.tokens -= count;
    return level.tokens >= 0 ? 0 : (-level.tokens / this.#per_s) * 1000;
  }

  #level(who: string, now_ms: number): Level {
    const known = this.#levels.get(who);
    if (known) {
      const gained = (Math.max(0, now_ms - known.at_ms) / 1000) * this.#per_s;
      known.tokens = Math.min(this.#burst, known.tokens + gained);
      known.at_ms = now_ms;
      return known;
    }
    const level = { tokens: this.#burst, at_ms: now_ms };
    this.#levels.set(who, level);
    const [oldest] = this.#levels.keys();
    if (this.#levels.size > METERS_MAX && oldest !== undefined) this.#levels.delete(oldest);
    return level;
  }
}
