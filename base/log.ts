import { writeSync } from 'node:fs';
import { configureSync, getLogger, type Logger, type LogLevel, type LogRecord } from '@logtape/logtape';

/** Priorities of syslog(3), which journald takes from the start of a line (sd-daemon(3), SyslogLevelPrefix=). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warning: 4,
  error: 3,
  fatal: 2,
};

/**
 * Starts logging to standard error: with a priority prefix under systemd, with time and level for people elsewhere.
 *
 * @param name what of Bulkhead logs: `agent`, `coordinator`
 */
export function startLog(environment: Readonly<Record<string, string | undefined>>, name: string): Logger {
  const forJournal = Boolean(environment['JOURNAL_STREAM']);
  configureSync({
    sinks: { stderr: (record: LogRecord) => writeLine(formatRecord(record, forJournal)) },
    loggers: [
      { category: 'bulkhead', sinks: ['stderr'], lowestLevel: 'info' },
      { category: ['logtape', 'meta'], sinks: ['stderr'], lowestLevel: 'warning' },
    ],
    reset: true,
  });
  return getLogger(['bulkhead', name]);
}

/** One line: what happened, then what it is about as `name=value`. */
export function formatRecord(
  record: Pick<LogRecord, 'level' | 'message' | 'properties' | 'timestamp'>,
  forJournal: boolean,
): string {
  const words = record.message
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part)))
    .join('');
  const facts = Object.entries(record.properties).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  // A line break would make a second entry, with whatever priority its text asks for.
  const text = `${words}${facts.join('')}`.replace(/[\r\n]+/g, ' | ');
  if (forJournal) return `<${PRIORITIES[record.level]}>${text}`;
  return `${new Date(record.timestamp).toISOString()} ${record.level.padEnd(7)} ${text}`;
}

function writeLine(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody reads standard error any more. There is no place left to say so, and the page must go on.
  }
}
