import { type AlarmKind, type Severity, titleOf } from '../alarms/kinds.ts';
import { NOTICE_ALARMS_MAX } from './limits.ts';

/** An alarm as a message tells it. */
export interface NoticeAlarm {
  id: string;
  kind: AlarmKind;
  severity: Severity;
  subject: string;
  message: string;
  opened_ms: number;
  /** Null: it is open. */
  closed_ms: number | null;
}

/** What is told: what one look at the fleet changed, or that somebody tries a channel. */
export type Notice =
  | { type: 'alarms.changed'; at_ms: number; opened: NoticeAlarm[]; closed: NoticeAlarm[]; more: number }
  | { type: 'test'; at_ms: number; by: string };

/**
 * What a channel is told of a change.
 *
 * @param least alarms that weigh less are left out
 * @returns null: nothing is left to tell
 */
export function noticeOf(
  changes: { opened: readonly NoticeAlarm[]; closed: readonly NoticeAlarm[] },
  least: Severity,
  at_ms: number,
): Notice | null {
  const counts = ({ severity }: NoticeAlarm) => least === 'warning' || severity === 'critical';
  const opened = changes.opened.filter(counts);
  const closed = changes.closed.filter(counts);
  const total = opened.length + closed.length;
  if (total === 0) return null;
  // What is wrong comes before what is not wrong any more.
  const told = opened.slice(0, NOTICE_ALARMS_MAX);
  const ended = closed.slice(0, NOTICE_ALARMS_MAX - told.length);
  return {
    ...{ type: 'alarms.changed', at_ms, opened: told, closed: ended },
    more: total - told.length - ended.length,
  };
}

/** The body of a webhook; the same bytes with every try. */
export function webhookBody(notice: Notice): string {
  const { type, at_ms, ...data } = notice;
  return JSON.stringify({ type, timestamp: new Date(at_ms).toISOString(), data });
}

/** The content of a Matrix event `m.room.message`. (Not `m.notice`: clients do not ring for those.) */
export function matrixContent(notice: Notice): Record<string, string> {
  const lines = linesOf(notice);
  const html = lines.map(({ weight, text }) => `<strong>${weight}</strong> ${Bun.escapeHTML(text)}`);
  return {
    ...{ msgtype: 'm.text', body: lines.map(({ weight, text }) => `${weight} ${text}`).join('\n') },
    ...{ format: 'org.matrix.custom.html', formatted_body: html.join('<br>') },
  };
}

function linesOf(notice: Notice): { weight: string; text: string }[] {
  if (notice.type === 'test')
    return [{ weight: 'test:', text: `${notice.by} tries this channel; alarms of the fleet will come here` }];
  const line = (weight: string, { kind, message }: NoticeAlarm) => ({
    weight: `${weight}:`,
    text: `${titleOf(kind)}: ${message}`,
  });
  return [
    ...notice.opened.map((alarm) => line(alarm.severity, alarm)),
    ...notice.closed.map((alarm) => line('over', alarm)),
    ...(notice.more > 0 ? [{ weight: 'and', text: `${notice.more} more` }] : []),
  ];
}
