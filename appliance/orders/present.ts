import { type BookEntry, orderName } from './entry.ts';

/** For people: an order a line, why it failed below it. */
export function ordersText(entries: readonly BookEntry[]): string {
  if (entries.length === 0) return 'nothing has been ordered yet';
  return entries
    .flatMap((entry) => {
      const at = new Date(entry.ended_ms ?? entry.start?.at_ms ?? entry.accepted_ms).toISOString();
      const line = `${at}  ${entry.state.padEnd(9)}  ${entry.type.padEnd(14)}  ${orderName(entry)}${untold(entry)}`;
      return entry.code === null ? [line] : [line, `    ${entry.code}: ${entry.message ?? ''}`];
    })
    .join('\n');
}

function untold({ state, told }: BookEntry): string {
  const over = state !== 'accepted' && state !== 'started';
  return over && told !== 'ended' ? '  (not told yet)' : '';
}
