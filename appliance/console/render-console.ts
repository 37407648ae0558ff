import type { Status } from '../../status-page/status.ts';
import type { ConsoleSensors } from '../site/page/console-sensors.ts';
import { bigText } from './big-text.ts';
import { CONSOLE_COLUMNS, CONSOLE_LINES, REASON_LINES } from './limits.ts';

/*
 * What is trusted: nothing in here. The text is made by the agent, which is open to the network, and ends up on a terminal,
 * which obeys escape sequences. So the renderer lets only printable ASCII and line feeds out, whatever the status holds; and
 * because a taken-over agent need not use this renderer, the unit that prints the file has to drop everything else once more:
 *
 *   printf '\033[H\033[2J\033[3J' >/dev/tty1;  tr -cd '\12\40-\176' <console.txt >/dev/tty1
 *   tr -cd '\12\40-\176' <console.txt | sed 's/$/\r/' >/dev/ttyS0      (no clearing: a serial log should keep its history)
 *
 * Clearing the screen is the unit's and not in the file, for the same reason. No form feed: the Linux console prints none.
 */

/**
 * The appliance in at most 24 lines of 79 columns, ASCII, for tty1 and the serial line. Pure.
 *
 * @param changedAt when this text became true, shown in UTC; null leaves the line out (for comparing two texts)
 * @param sensors null leaves the line out
 */
export function renderConsole(
  status: Status,
  changedAt: Date | null,
  sensors: ConsoleSensors | null = null,
): string {
  const { boot, identity, version } = status;
  const [word, reason] = healthWord(status);
  const lines = [
    spread(`  BULKHEAD ${version.running}`, identity.product ?? ''),
    `  ${'='.repeat(CONSOLE_COLUMNS - 4)}`,
    ...indent(bigText(boot.slot === null ? word : `${word} ${boot.slot}`) ?? [word]),
    '',
    ...addressLines(status),
    '',
    `  Health       ${status.health.outcome}`,
    ...wrap(reason, CONSOLE_COLUMNS - 15, REASON_LINES).map((line) => `               ${line}`),
    `  Slot         ${slotLine(boot)}`,
    `  Version      ${version.running}${version.revision === null ? '' : ` (${version.revision.slice(0, 12)})`}`,
    `  Coordinator  ${status.coordinator.message}`,
    `  Clock        ${clockLine(status.time)}`,
    ...(boot.contradiction === null ? [] : [`  Attention    ${boot.contradiction}`]),
    ...(sensors === null ? [] : [`  Sensors      ${sensorsLine(sensors)}`]),
    ...(changedAt === null
      ? []
      : [`  Last change  ${changedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC`]),
  ];
  return `${lines.slice(0, CONSOLE_LINES).map(toPrintable).join('\n')}\n`;
}

/** The one word for two metres, and the sentence under it. */
function healthWord(status: Status): [word: string, reason: string] {
  const latest = status.health.verdicts.find(({ bootId }) => bootId === status.boot.bootId);
  if (status.boot.mode === 'live') return ['LIVE', ''];
  if (status.boot.mode === 'rescue')
    return ['RESCUE', latest?.reason ?? 'no slot was left to start normally'];
  if (status.health.outcome === 'healthy') return ['HEALTHY', ''];
  if (status.health.outcome === 'pending')
    return ['CHECKING', 'the health gate has not judged this boot yet'];
  return ['UNHEALTHY', latest?.reason ?? ''];
}

/** Where to point a browser: IPv4 big, IPv6 and the name as text. */
function addressLines(status: Status): string[] {
  const { primaryAddress, interfaces } = status.network;
  if (primaryAddress === null) {
    const cable = interfaces.some(({ carrier }) => carrier);
    return [cable ? '  no address yet: DHCP has not answered' : '  no network: is the cable plugged in?'];
  }
  const host = primaryAddress.includes(':') ? `[${primaryAddress}]` : primaryAddress;
  const name = `http://${status.identity.hostname}.local/`;
  return [...indent(bigText(primaryAddress) ?? []), `  http://${host}/   ${name}`];
}

function slotLine({ slot, mode, attempt, maxAttempts }: Status['boot']): string {
  const tried = attempt === null ? '' : `, attempt ${attempt} of ${maxAttempts}`;
  return `${slot ?? 'not known'} (${mode}${tried})`;
}

function clockLine({ synchronised, zone, server }: Status['time']): string {
  if (synchronised === null) return `${zone}, nobody synchronises it`;
  return `${zone}, ${synchronised ? 'synchronised' : 'not synchronised yet'}${server === null ? '' : ` with ${server}`}`;
}

/** The code in two groups, as a person types it. */
function sensorsLine({ live, code }: ConsoleSensors): string {
  return `${live} live; code to let one in: ${code.slice(0, 3)} ${code.slice(3)}`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function spread(left: string, right: string): string {
  return left.padEnd(CONSOLE_COLUMNS - 2 - right.length) + right;
}

/** Breaks at spaces; the last line that fits ends with dots when there would be more. */
function wrap(text: string, columns: number, lines_max: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  if (lines.length <= lines_max) return lines;
  const kept = lines.slice(0, lines_max);
  kept[lines_max - 1] = `${(kept[lines_max - 1] ?? '').slice(0, columns - 4)} ...`;
  return kept;
}

/** Printable ASCII only, within the columns, without white space at the end. */
function toPrintable(line: string): string {
  return line
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, CONSOLE_COLUMNS)
    .trimEnd();
}
