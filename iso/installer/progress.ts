import type { InstallEffects } from './effects.ts';
import type { StepId } from './events.ts';
import { PROGRESS_INTERVAL_MS } from './limits.ts';

/** Tells how far a long step is: at its start, at most once per PROGRESS_INTERVAL_MS, and at its end. */
export class ProgressMeter {
  private readonly start_ms: number;
  private told_ms: number;
  private done_bytes = 0;

  constructor(
    private readonly step: StepId,
    private readonly total_bytes: number,
    private readonly effects: Pick<InstallEffects, 'emit' | 'clock_ms'>,
  ) {
    this.start_ms = effects.clock_ms();
    this.told_ms = this.start_ms;
    this.tell(this.start_ms);
  }

  advance(size_bytes: number): void {
    this.done_bytes += size_bytes;
    const now_ms = this.effects.clock_ms();
    if (now_ms - this.told_ms >= PROGRESS_INTERVAL_MS || this.done_bytes >= this.total_bytes)
      this.tell(now_ms);
  }

  private tell(now_ms: number): void {
    this.told_ms = now_ms;
    const elapsed_s = (now_ms - this.start_ms) / 1000;
    const bytes_per_s = elapsed_s > 0 ? this.done_bytes / elapsed_s : 0;
    this.effects.emit({
      event: 'progress',
      step: this.step,
      done_bytes: this.done_bytes,
      total_bytes: this.total_bytes,
      bytes_per_s: Math.round(bytes_per_s),
      left_s: bytes_per_s > 0 ? Math.ceil((this.total_bytes - this.done_bytes) / bytes_per_s) : null,
    });
  }
}
