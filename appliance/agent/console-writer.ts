import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import type { Status } from '../../status-page/status.ts';
import { renderConsole } from '../console/render-console.ts';

/**
 * Writes the console text when it says something new. Does nothing where its folder does not exist (a workstation).
 *
 * @returns to be called with every status; throws what writing throws
 */
export function createConsoleWriter(path: string, now: () => Date): (status: Status) => void {
  let shown: string | null = null;
  return (status) => {
    const text = renderConsole(status, null);
    if (text === shown || !existsSync(dirname(path))) return;
    writeFileAtomic(path, renderConsole(status, now()));
    shown = text;
  };
}
