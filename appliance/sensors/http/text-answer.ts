import type { HealCommand } from '../commands/commands.ts';

/** What a heartbeat is answered with. */
export interface HeartbeatFacts {
  mode: string;
  server_time: number;
  next_heartbeat_in: number;
  commands: readonly HealCommand[];
}

/**
 * The answer to a heartbeat as lines of words, for a sensor that is a shell script and has no reader of JSON (`Accept: text/plain`).
 * A command: `command ID CHECK_TYPE ACTION TIMEOUT_S NAME=VALUE…`, each word percent-encoded, so that none can hold a space or a line's end.
 */
export function heartbeatText({ mode, server_time, next_heartbeat_in, commands }: HeartbeatFacts): string {
  const lines = [
    ['status', 'ok'],
    ['mode', mode],
    ['server_time', String(server_time)],
    ['next_heartbeat_in', String(next_heartbeat_in)],
    ...commands.map(({ command_id, check_type, action, timeout_s, params }) => [
      ...['command', encode(command_id), encode(check_type), encode(action), String(timeout_s)],
      ...Object.entries(params).map(([name, value]) => `${encode(name)}=${encode(value)}`),
    ]),
  ];
  return lines.map((words) => `${words.join(' ')}\n`).join('');
}

/** Stricter than encodeURIComponent: nothing is left that a shell reads as anything but itself. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
