import { type FSWatcher, watch } from 'node:fs';
import { WATCH_RETRY_MS, WATCH_SETTLE_MS } from './limits.ts';

/**
 * Calls back shortly after anything in a folder was created, replaced or removed (inotify(7)). A folder that is not there,
 * or vanishes, is looked for again; nothing is reported for that, because polling still finds every change, only later.
 *
 * @returns ends the watch
 */
export function watchFolder(path: string, onChange: () => void): () => void {
  let watcher: FSWatcher | undefined;
  let settle: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  const changed = () => {
    settle ??= setTimeout(() => {
      settle = undefined;
      onChange();
    }, WATCH_SETTLE_MS);
  };
  const lost = () => {
    watcher?.close();
    watcher = undefined;
    if (ended) return;
    clearTimeout(retry);
    retry = setTimeout(begin, WATCH_RETRY_MS);
  };
  const begin = () => {
    try {
      watcher = watch(path, { persistent: false }, changed);
      watcher.on('error', lost);
      // What happened before the watch began would be missed.
      changed();
    } catch {
      lost();
    }
  };

  begin();
  return () => {
    ended = true;
    clearTimeout(settle);
    clearTimeout(retry);
    watcher?.close();
  };
}
