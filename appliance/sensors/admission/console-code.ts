import { randomInt, timingSafeEqual } from 'node:crypto';
import { BulkheadError } from '../../../base/errors.ts';
import { CONSOLE_CODE_DIGITS, CONSOLE_FAILURES_MAX, CONSOLE_LOCK_MAX_MS, CONSOLE_LOCK_MS } from './limits.ts';

/**
 * Six digits on the appliance's console. The status page asks nobody for a name; who can read the console stands at the box. There is a
 * new code after each use, after ten wrong ones, and after a restart.
 */
export class ConsoleCode {
  #code = makeDigits();
  #failures = 0;
  #lock_ms = CONSOLE_LOCK_MS;
  #locked_until_ms = 0;

  get current(): string {
    return this.#code;
  }

  /** @throws BulkheadError SENSOR_CONSOLE_CODE, SENSOR_CONSOLE_LOCKED */
  use(typed: string, now_ms: number): void {
    if (now_ms < this.#locked_until_ms)
      throw new BulkheadError('SENSOR_CONSOLE_LOCKED', 'too many wrong console codes were typed', {
        hint: `try again in ${Math.ceil((this.#locked_until_ms - now_ms) / 60_000)} minutes, or use 'bulkhead sensors admit' as root`,
      });
    const given = Buffer.from(typed.replace(/\s/g, '').padEnd(CONSOLE_CODE_DIGITS).slice(0, 64));
    const own = Buffer.from(this.#code);
    if (given.length === own.length && timingSafeEqual(given, own)) {
      this.#code = makeDigits();
      this.#failures = 0;
      this.#lock_ms = CONSOLE_LOCK_MS;
      return;
    }
    this.#failures += 1;
    if (this.#failures >= CONSOLE_FAILURES_MAX) {
      this.#code = makeDigits();
      this.#failures = 0;
      this.#locked_until_ms = now_ms + this.#lock_ms;
      this.#lock_ms = Math.min(this.#lock_ms * 2, CONSOLE_LOCK_MAX_MS);
    }
    throw new BulkheadError('SENSOR_CONSOLE_CODE', 'that is not the code on the console', {
      hint: 'the six digits are on the screen of the appliance; they change after each use',
    });
  }
}

function makeDigits(): string {
  return String(randomInt(10 ** CONSOLE_CODE_DIGITS)).padStart(CONSOLE_CODE_DIGITS, '0');
}
