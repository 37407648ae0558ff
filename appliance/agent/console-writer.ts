import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import type { Status } from '../../status-page/status.ts';
import { renderConsole } from '../console/render-console.ts';
import type { ConsoleSensors } from '../site/page/console-sensors.ts';

/** The code for letting a sensor in is for who stands at the screen, and for no other user of this machine. */
const MODE = 0o640;

/**
 * Writes the console text when it says something new. Does nothing where its folder does not exist (a workstation).
 *
 * @returns to be called with every status, and with what is known of sensors; throws what writing throws
 */
export function createConsoleWriter(
  path: string,
  now: () => Date,
): (status: Status, sensors: ConsoleSensors | null) => void {
  let shown: string | null = null;
  return (status, sensors) => {
    const text = renderConsole(status, null, sensors);
    if (text === shown || !existsSync(dirname(path))) return;
    writeFileAtomic(path, renderConsole(status, now(), sensors), MODE);
    shown = text;
  };
}
