import { BulkheadError } from '../../../../../base/errors.ts';
import { type Run, runOrThrow } from '../../../../../base/run.ts';
import { POWERSHELL_TIMEOUT_MS } from '../limits.ts';

/** Runs one line of PowerShell and gives what it printed. @throws BulkheadError COMMAND_FAILED and what `run` throws */
export type PowerShell = (line: string) => Promise<string>;

/** What one object of `Format-List` says: names of properties to their values. */
export type Properties = ReadonlyMap<string, string>;

/**
 * The PowerShell of Windows itself, by its full path: what a person put into PATH is not asked.
 *
 * @param environment of this process: without SystemRoot PowerShell does not start
 */
export function windowsPowerShell(
  run: Run,
  environment: Readonly<Record<string, string | undefined>>,
): PowerShell {
  const root = environment['SystemRoot'] ?? 'C:\\Windows';
  const program = `${root}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;
  const env = {
    SystemRoot: root,
    PATH: `${root}\\System32;${root}`,
    PSModulePath: `${root}\\System32\\WindowsPowerShell\\v1.0\\Modules`,
    ...Object.fromEntries(
      ['TEMP', 'TMP', 'ProgramFiles', 'ProgramData', 'ComSpec', 'USERPROFILE'].flatMap((name) =>
        environment[name] === undefined ? [] : [[name, environment[name]]],
      ),
    ),
  };
  return (line) =>
    runOrThrow(
      run,
      program,
      ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', encodeCommand(line)],
      {
        timeout_ms: POWERSHELL_TIMEOUT_MS,
        env,
      },
    );
}

/**
 * A line as `-EncodedCommand` takes it, so that no quoting can go wrong. The first error ends it with a status, progress bars are off
 * (they would stand in the error output), and what is printed is UTF-8.
 */
export function encodeCommand(line: string): string {
  const whole = `$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue';[Console]::OutputEncoding=[Text.Encoding]::UTF8;${line}`;
  return Buffer.from(whole, 'utf16le').toString('base64');
}

/** A command whose objects are printed as lists: the properties stand whole, one a line, whatever the language of the system. */
export function asList(command: string, properties: readonly string[]): string {
  return `${command} | Select-Object ${properties.join(',')} | Format-List | Out-String -Width 4096`;
}

/**
 * Objects as Format-List prints them: `Name : value` with the names padded, an empty line between objects, a long value going on
 * below itself.
 */
export function parseList(text: string): Properties[] {
  const objects: Map<string, string>[] = [];
  let current: Map<string, string> | undefined;
  let last: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^([A-Za-z_]\w*)\s*: ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      if (current === undefined || current.has(name)) {
        current = new Map();
        objects.push(current);
      }
      current.set(name, (value ?? '').trim());
      last = name;
    } else if (line.trim() === '') current = last = undefined;
    else if (current !== undefined && last !== undefined)
      current.set(last, `${current.get(last)} ${line.trim()}`.trim());
  }
  return objects;
}

/** A property that has to be there. @throws BulkheadError SENSOR_OUTPUT_UNEXPECTED */
export function property(object: Properties, name: string): string {
  const value = object.get(name);
  if (value === undefined)
    throw new BulkheadError('SENSOR_OUTPUT_UNEXPECTED', `Windows said nothing of ${name}`, {
      hint: 'run the check by hand: bulkhead-sensor check; the component may be missing in this edition of Windows',
    });
  return value;
}

/** A text as PowerShell takes it literally. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
