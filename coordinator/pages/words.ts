import type { FindingSeverity } from '../../protocol/messages/site-report.ts';
import type { DeviceState, OrderState } from '../database/tables.ts';
import type { DeviceSummary } from '../devices/list.ts';
import type { Presence } from '../devices/presence.ts';

/** What is said after something was done; the address carries the name, never the words. */
export const DONE = {
  found: 'This is the appliance that shows the code. Look at what it says, then let it in.',
  approved: 'The appliance is in.',
  refused: 'The appliance was refused.',
  revoked: 'The appliance is out: nothing is taken from its keys any more.',
  settled: 'The evidence goes on from here. What was countersigned before stays.',
  described: 'Name and tags are saved.',
  ordered: 'The order waits for the next heartbeat of the appliance.',
  cancelled: 'The order was taken back.',
  code_revoked: 'The code lets nobody in any more.',
  acknowledged: 'Others see that you have seen it. It closes by itself.',
  channel_added: 'Alarms are sent there from now on. Try it.',
  channel_removed: 'Nothing is sent there any more.',
  channel_tested: 'The message is on its way; load the page anew to see what became of it.',
  policy_added: 'The policy is in force where none above it is.',
  policy_raised: 'The policy is tried earlier now.',
  policy_removed: 'The policy is in force no more.',
  project_removed: 'Nothing of it is built any more.',
  build_cancelled: 'The build was taken back.',
  build_queued: 'The build waits for a worker.',
  release_published: 'The release is there. It goes nowhere before a rollout of it is approved.',
  release_file_added: 'The files lie beside the release.',
  release_withdrawn: 'The release is taken back: nobody is brought to it any more.',
  keys_set: 'Releases that these keys signed are taken from now on.',
  rollout_drawn_up: 'The rollout is drawn up. Nothing happens before it is approved.',
  rollout_approve: 'It begins.',
  rollout_pause: 'No orders are given until it is resumed.',
  rollout_resume: 'It goes on.',
  rollout_release_brake: 'The brake is released.',
  rollout_retry_failed: 'Those that failed or were left behind get one more try.',
  rollout_cancel: 'It is cancelled. Who is at it finishes.',
  rollout_roll_back: 'Everyone that it has moved goes back to the version before.',
  filter_saved: 'The filter is saved under that name.',
  filter_removed: 'The filter is gone.',
  password: 'The password is yours from now on.',
  token_revoked: 'The token works no more.',
  user_changed: 'The change is in force.',
  signed_in_by_code: 'You are signed in. Choose a password: the code that you used is gone.',
  signed_out: 'You are signed out.',
} as const;

export function doneText(name: string | undefined): string | null {
  return name !== undefined && Object.hasOwn(DONE, name) ? DONE[name as keyof typeof DONE] : null;
}

/** How a thing is: said by the word, helped by the colour. */
export type Tone = 'good' | 'wait' | 'bad' | 'plain';

export const PRESENCE_TONES: Readonly<Record<Presence, Tone>> = {
  online: 'good',
  stale: 'wait',
  offline: 'bad',
  never: 'plain',
};

export const DEVICE_TONES: Readonly<Record<DeviceState, Tone>> = {
  pending: 'wait',
  approved: 'good',
  refused: 'bad',
  revoked: 'bad',
  replaced: 'plain',
};

export const SEVERITY_TONES: Readonly<Record<FindingSeverity, Tone>> = {
  info: 'plain',
  low: 'plain',
  medium: 'wait',
  high: 'bad',
  critical: 'bad',
};

export const ORDER_TONES: Readonly<Record<OrderState, Tone>> = {
  queued: 'wait',
  handed_out: 'wait',
  accepted: 'wait',
  succeeded: 'good',
  failed: 'bad',
  refused: 'bad',
  expired: 'bad',
  unanswered: 'bad',
  cancelled: 'plain',
};

/** `handed_out` as people read it. */
export function plain(word: string): string {
  return word.replaceAll('_', ' ');
}

/**
 * What an appliance says of an update, as long as there is something to say: `downloading 0.2.0`. An appliance on which nothing is going on
 * says that the version it runs succeeded, also where it has never been updated; null then.
 */
export function updateUnderWay({ update, image_version }: DeviceSummary): string | null {
  if (update === null || (update.state === 'succeeded' && update.version === image_version)) return null;
  return `${plain(update.state)} ${update.version}`;
}

/** `1 appliance`, `12,000 appliances`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** `2026-11-21 14:03:09 UTC`; people in several zones look at one coordinator. */
export function timeText(at_ms: number): string {
  return `${new Date(at_ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS: readonly [unit: string, size_s: number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
];

/** `3 min ago`, `in 2 h`. */
export function agoText(at_ms: number, now_ms: number): string {
  const distance_s = Math.round(Math.abs(now_ms - at_ms) / 1000);
  const [unit, size_s] = UNITS.find(([, size_s]) => distance_s >= size_s) ?? ['s', 1];
  const text = `${Math.floor(distance_s / size_s)} ${unit}`;
  return at_ms > now_ms ? `in ${text}` : `${text} ago`;
}

/** A value of a report in one line. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'not known';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What an appliance is called. */
export function deviceName({ name, hostname }: { name: string | null; hostname: string }): string {
  return name ?? hostname;
}

/** An address of ours, which may have a query, with more of one. Empty values are left out. */
export function linkTo(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  if (given.length === 0) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`;
}

/** Where a subject of an alarm is looked at; undefined: it has no page. */
export function placeOf(subject: string): { href: string; title: string } | undefined {
  const [, kind, id = ''] = /^(device|rollout|job|project|channel):([0-9a-f-]{36})$/.exec(subject) ?? [];
  switch (kind) {
    case 'device':
      return { href: `/devices/${id}`, title: 'the appliance' };
    case 'rollout':
      return { href: `/rollouts/${id}`, title: 'the rollout' };
    case 'job':
      return { href: `/builds/${id}`, title: 'the build' };
    case 'project':
      return { href: linkTo('/builds', { project_id: id }), title: 'builds of the project' };
    case 'channel':
      return { href: '/alarms/channels', title: 'where alarms are sent' };
    default:
      return undefined;
  }
}
