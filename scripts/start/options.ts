import { Command, InvalidArgumentError } from 'commander';

export interface StartOptions {
  /** Throw the installed disk away and install anew. */
  fresh: boolean;
  /** Build first what has changed. */
  build: boolean;
  /** End when healthy (0) or when it is clear that it will not be (1). */
  check: boolean;
  /** Port of this computer that shows the status page. */
  port: number;
  memory_mb: number;
  display: 'none' | 'gtk' | 'vnc';
  /** Start a coordinator, too, and install an appliance that belongs to it. */
  coordinator: boolean;
  /** Port of this computer that the coordinator listens on; of an installed disk, what it was installed with. */
  coordinatorPort: number;
}

const PORT_DEFAULT = 8080;
const COORDINATOR_PORT_DEFAULT = 8443;
/** What the smallest T640 has is four times this; the appliance promises to need less than 300 MB. */
const MEMORY_DEFAULT_MB = 1024;

/**
 * @param args without program and script
 * @returns the options; undefined when help was asked for and printed
 */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const program = new Command('npm start --')
    .description(
      'builds Bulkhead, installs it on a virtual disk and starts the appliance in a virtual machine, with a coordinator beside it',
    )
    .option('--fresh', 'install again instead of starting what is there', false)
    .option('--no-build', 'take the ISO in dist/ as it is')
    .option(
      '--check',
      'end with status 0 once the image that was built is healthy, else with 1 and the reason',
      false,
    )
    .option('--port <port>', 'port of the status page on this computer', numberIn(1, 65_535), PORT_DEFAULT)
    .option('--no-coordinator', 'the appliance alone')
    .option(
      '--coordinator-port <port>',
      'port of the coordinator on this computer, chosen when the appliance is installed',
      numberIn(1, 65_535),
      COORDINATOR_PORT_DEFAULT,
    )
    .option('--memory <MB>', 'memory of the machine', numberIn(256, 65_536), MEMORY_DEFAULT_MB)
    .option(
      '--display <kind>',
      'show its screen: none, gtk (a window) or vnc (127.0.0.1:5900)',
      display,
      'none',
    )
    .addHelpText(
      'after',
      '\nCtrl-C shuts the machine down cleanly, a second Ctrl-C at once.\n\nExamples:\n' +
        '  npm start                    the status page is at http://localhost:8080\n' +
        '  npm start -- --fresh         from a blank disk\n' +
        '  npm start -- --port 9000 --display gtk\n' +
        '  npm start -- --check         for scripts',
    )
    .showHelpAfterError()
    .parse(args, { from: 'user' });
  const given = program.opts<{
    fresh: boolean;
    build: boolean;
    check: boolean;
    port: number;
    memory: number;
    display: StartOptions['display'];
    coordinator: boolean;
    coordinatorPort: number;
  }>();
  const { memory, ...options } = given;
  return { ...options, memory_mb: memory };
}

function numberIn(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a number from ${least} to ${most} is wanted`);
  };
}

function display(text: string): StartOptions['display'] {
  if (text === 'none' || text === 'gtk' || text === 'vnc') return text;
  throw new InvalidArgumentError('none, gtk or vnc is wanted');
}
