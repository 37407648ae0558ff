import { formatDuration } from '../base/text.ts';

/**
 * Shows what is being done, how far it is and how long it has taken and will take: one line that is redrawn on a
 * terminal, whole lines at intervals elsewhere (a log, a CI run).
 */

/** Fast enough to look alive, slow enough to read. */
const REDRAW_MS = 200;
/** A log shall show that something goes on without drowning in it. */
const LOG_INTERVAL_MS = 10_000;
/** Of a terminal that does not say, or says 0. */
const COLUMNS_DEFAULT = 80;

/** Where the lines go. */
export interface ProgressOutput {
  write(text: string): void;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** One moment of one step. */
export interface ProgressView {
  number: number;
  of: number;
  title: string;
  elapsed_s: number;
  /** What the step took last time; shown as time left while there is nothing better. */
  expected_s: number | undefined;
  /** 0 to 100, when the step knows. */
  percent: number | undefined;
  /** The last thing that it said. */
  detail: string;
}

/** `[2/4] Installing · 45 % · 1 min 3 s, about 40 s left · write slot A`, cut to the width. Pure. */
export function renderProgress(view: ProgressView, columns: number): string {
  const { elapsed_s, expected_s } = view;
  const left =
    expected_s !== undefined && expected_s > elapsed_s
      ? `, about ${formatDuration(expected_s - elapsed_s)} left`
      : '';
  const parts = [
    `[${view.number}/${view.of}] ${view.title}`,
    view.percent === undefined ? '' : `${view.percent} %`,
    `${formatDuration(elapsed_s)}${left}`,
    view.detail,
  ];
  const line = parts.filter((part) => part !== '').join(' · ');
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** The last line a program has said and the percentage in it, if any. Pure. */
export function readProgress(text: string): { detail: string; percent: number | undefined } {
  const lines = text.slice(-4_000).split('\n');
  const detail = lines.map((line) => line.trim()).findLast((line) => line !== '') ?? '';
  const percent = /(?<![\d.])(\d{1,3}) ?%/.exec(detail)?.[1];
  return { detail, percent: percent !== undefined && Number(percent) <= 100 ? Number(percent) : undefined };
}

/** Runs steps one after the other and shows them. */
export class Progress {
  private number = 0;
  private logged_ms = 0;

  constructor(
    private readonly output: ProgressOutput,
    private of: number,
  ) {}

  /**
   * @param options `expected_s`: what it took last time; `said`: everything the step has said so far
   * @returns what the step returns, and the seconds it took
   */
  async step<Result>(
    title: string,
    options: { expected_s?: number | undefined; said?: () => string },
    work: () => Promise<Result>,
  ): Promise<{ result: Result; seconds: number }> {
    this.number += 1;
    const began_ms = Date.now();
    this.logged_ms = 0;
    const show = () => {
      const elapsed_s = (Date.now() - began_ms) / 1000;
      const { number, of } = this;
      this.show({
        number,
        of,
        title,
        elapsed_s,
        expected_s: options.expected_s,
        ...readProgress(options.said?.() ?? ''),
      });
    };
    show();
    const timer = setInterval(show, REDRAW_MS);
    try {
      const result = await work();
      clearInterval(timer);
      const seconds = (Date.now() - began_ms) / 1000;
      this.line(`[${this.number}/${this.of}] ${title} · done in ${formatDuration(seconds)}`);
      return { result, seconds };
    } finally {
      clearInterval(timer);
      this.clear();
    }
  }

  /** One step more than was thought. */
  addStep(): void {
    this.of += 1;
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.output.write(`${text}\n`);
  }

  private show(view: ProgressView): void {
    if (this.output.isTTY) {
      // Erase the line, write it anew; the cursor stays at its end and nothing scrolls.
      this.output.write(`\r\x1b[2K${renderProgress(view, (this.output.columns || COLUMNS_DEFAULT) - 1)}`);
    } else if (Date.now() - this.logged_ms >= LOG_INTERVAL_MS) {
      this.logged_ms = Date.now();
      this.output.write(`${renderProgress(view, Number.MAX_SAFE_INTEGER)}\n`);
    }
  }

  private clear(): void {
    if (this.output.isTTY) this.output.write('\r\x1b[2K');
  }
}
