import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../../partitions/disks.ts';
import type { Emit } from './events.ts';
import { STTY_TIMEOUT_MS } from './limits.ts';
import { renderLines } from './lines.ts';
import { renderScreen, type ScreenSize } from './screen.ts';
import { EMPTY_VIEW, nextView } from './view.ts';

/** What an 80 × 25 text console has, for a console that does not say. */
const DEFAULT_SIZE: ScreenSize = { columns: 80, rows: 25 };

/** No blanking, no power saving, no cursor, wake up now (console_codes(4)): a result has to stay readable for hours. */
const STAY_ON = '\x1b[9;0]\x1b[14;0]\x1b[?25l\x1b[13]';

export interface ConsolePlan {
  /** Text console for the full-screen view; null when the kernel has none. */
  screen: string | null;
  /** Consoles for plain lines. */
  lines: string[];
}

/**
 * Which consoles get what, from /sys/class/tty/console/active: the full-screen view on the screen, plain lines on every serial
 * line. Standard output is not among them; the unit sends it to the journal, because lines on the screen would tear the view.
 */
export function planConsoles(active: string): ConsolePlan {
  const names = active
    .trim()
    .split(/\s+/)
    .filter((name) => name !== '');
  const isScreen = (name: string) => /^tty\d+$/.test(name);
  return {
    screen: names.some(isScreen) ? '/dev/tty1' : null,
    lines: names.filter((name) => !isScreen(name)).map((name) => `/dev/${name}`),
  };
}

/** Names of the consoles the kernel writes to; empty where there are none (a container). */
export function readActiveConsoles(sysRoot: string): string {
  return readText(join(sysRoot, 'class/tty/console/active')) ?? '';
}

/**
 * Shows every event on the consoles. A console that does not work (a serial port that is not soldered on) is dropped; it must
 * never stop an installation.
 */
export function showOnConsoles(plan: ConsolePlan): Emit {
  let view = EMPTY_VIEW;
  const screen = plan.screen === null ? null : openConsole(plan.screen);
  const lines = plan.lines.flatMap((path) => openConsole(path) ?? []);
  screen?.write(STAY_ON);
  return (event) => {
    view = nextView(view, event);
    for (const console of lines) console.write(renderLines(event).replace(/\n/g, '\r\n'));
    screen?.write(renderScreen(view, screen.size));
  };
}

interface Console {
  write(text: string): void;
  size: ScreenSize;
}

function openConsole(path: string): Console | undefined {
  let file: number | null;
  try {
    file = openSync(path, 'w');
  } catch {
    return undefined;
  }
  const size = windowSize(path);
  return {
    write(text) {
      if (file === null) return;
      try {
        writeSync(file, text);
      } catch {
        closeSync(file);
        file = null;
      }
    },
    size,
  };
}

/** Asked once: a text console does not change its size. */
function windowSize(path: string): ScreenSize {
  const { stdout } = Bun.spawnSync(['stty', '-F', path, 'size'], {
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: STTY_TIMEOUT_MS,
  });
  const [rows, columns] = stdout.toString().trim().split(' ').map(Number);
  return rows && columns ? { columns, rows } : DEFAULT_SIZE;
}
