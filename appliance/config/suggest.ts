import { SUGGEST_MAX_DISTANCE } from './limits.ts';
import { CONFIG_KEYS } from './schema.ts';

/** Names people know from elsewhere: the environment variables and the options of the Nix module. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  siteid: 'site_id',
  mcpurl: 'coordinator.url',
  coordinatorurl: 'coordinator.url',
  pollinterval: 'coordinator.poll_interval_s',
  timezone: 'time.zone',
  ntp: 'time.servers',
  sshkeys: 'ssh.authorized_keys',
  wifi: 'network.wifi',
};

/**
 * The known key that was most likely meant by an unknown one, or undefined.
 *
 * @param key   dotted name as written
 * @param known further names to compare with, e.g. of the fields of a list entry; dotted keys by default
 */
export function nearestKey(key: string, known: Iterable<string> = CONFIG_KEYS.keys()): string | undefined {
  const candidates = [...known];
  const other = OTHER_NAMES[lastPart(key).toLowerCase().replace(/[_-]/g, '')];
  if (other !== undefined && candidates.includes(other)) return other;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    // `poll_interval_s` at the top is as near to `coordinator.poll_interval_s` as a mistyped name in the right place.
    const distance = Math.min(
      editDistance(key, candidate),
      editDistance(lastPart(key), lastPart(candidate)) + (key.includes('.') ? 1 : 0),
    );
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  const allowed = Math.min(SUGGEST_MAX_DISTANCE, Math.ceil(lastPart(key).length / 3));
  return bestDistance <= allowed ? best : undefined;
}

/** Levenshtein distance, with upper and lower case alike. */
export function editDistance(left: string, right: string): number {
  const a = left.toLowerCase();
  const b = right.toLowerCase();
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
