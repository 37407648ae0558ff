import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import type { SetupEffects, SetupReport } from '../setup/setup.ts';
import type { RegisterCommand } from './command.ts';

/** What a set-up works on; a test hands in a tree in a temporary folder. */
export type MakeEffects = (root: string) => Promise<SetupEffects>;

export const registerSetup: RegisterCommand = (program, io) => registerSetupWith(program, io, realEffects);

/** `bulkhead setup`: makes identity, host name, network, time and SSH of this boot from the configuration. */
export function registerSetupWith(program: Command, io: CommandIo, makeEffects: MakeEffects): void {
  const setup = program
    .command('setup')
    .description(
      'set this boot up from the configuration: identity, host name, network, time, SSH (root, early in each boot)',
    )
    .option('--dry-run', 'print what would be written and change nothing')
    .option('--root <folder>', 'work below this folder instead of /', '')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Each step stands for itself: what fails is reported, the others are done. A mistake in the configuration is reported and does
not fail: the layers below it hold.

Exit status: 0 when all is done. 2 when only steps on the data partition failed (${[...DATA_STEPS].join(', ')}). 1 when
another step failed, or nothing was done at all: this machine is no appliance, or it was not root who asked.

Examples:
  bulkhead setup --dry-run
  bulkhead setup && networkctl reload      put a changed config.yaml in force without a restart`,
    )
    .action(async (options: { dryRun?: true; root: string; json?: true }) => {
      const effects = await makeEffects(options.root);
      const { previewSetup, runSetup } = await import('../setup/setup.ts');
      if (options.dryRun) {
        const { describeAction } = await import('../setup/plan.ts');
        const { actions, ...facts } = previewSetup(effects);
        printFacts(io, options.json, { ...facts, actions: actions.map(withoutSecret) }, () =>
          [
            ...facts.notes,
            ...facts.configProblems.map((problem) => `! ${problem}`),
            ...actions.map(describeAction),
          ].join('\n'),
        );
        return;
      }
      const { requireAppliance } = await import('../setup/require-appliance.ts');
      requireAppliance(effects.paths, process.getuid?.());
      const report = await runSetup(effects);
      io.setExitCode(exitCodeOf(report));
      printFacts(io, options.json, report, () => formatReport(report));
    });
  addGrowData(setup, io, makeEffects);
  addClockSave(setup, io, makeEffects);
  addStores(setup, io, makeEffects);
  addIdentity(setup, io, makeEffects);
}

/** What lies on the data partition is the same for both slots: going back to the other one would mend none of it. */
const DATA_STEPS = new Set(['data', 'identity', 'age-key', 'machine-id', 'schema', 'ssh']);

/**
 * 0: done. 2: something on the data partition is damaged; the boot is as good as it can be. 1: the set-up itself
 * failed, which is the slot's fault and fails the health gate.
 */
export function exitCodeOf(report: { failures: readonly { step: string }[] }): number {
  if (report.failures.length === 0) return 0;
  return report.failures.every(({ step }) => DATA_STEPS.has(step)) ? 2 : 1;
}

function addGrowData(setup: Command, io: CommandIo, makeEffects: MakeEffects): void {
  setup
    .command('grow-data')
    .description('grow the data partition and its file system to the end of the disk; nothing to do is fine')
    .option('--device <partition>', 'the data partition (default: the one the initrd mounted)')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead setup grow-data --json')
    .action(async (options: { device?: string }, command: Command) => {
      const effects = await makeEffects('');
      const { growData } = await import('../setup/grow-data.ts');
      const { dataMissing } = await import('../setup/setup.ts');
      const { readInitrdReport } = await import('../../partitions/initrd-report.ts');
      const { formatBytes } = await import('../../base/text.ts');
      const device = options.device ?? readInitrdReport(effects.paths.initrdReport).data;
      if (device === null) throw dataMissing(effects.paths);
      const outcome = await growData(device, effects.run);
      printFacts(io, wantsJson(command), outcome, () => {
        if (outcome.steps.length === 0) return `${device}: nothing to do: ${outcome.reason}`;
        const sizes = [outcome.before_bytes, outcome.after_bytes]
          .map((size) => formatBytes(size ?? 0))
          .join(' -> ');
        return `${device}: ${outcome.reason}: ${outcome.steps.join(', ')} done, ${sizes}`;
      });
    });
}

function addClockSave(setup: Command, io: CommandIo, makeEffects: MakeEffects): void {
  setup
    .command('clock-save')
    .description('save the time for a boot with a dead clock battery; hourly and at shutdown')
    .option('--root <folder>', 'work below this folder instead of /', '')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead setup clock-save')
    .action(async (options: { root: string }, command: Command) => {
      const effects = await makeEffects(options.root || parentRoot(command));
      const { clockFacts, dataIsMounted, dataMissing } = await import('../setup/setup.ts');
      const { saveClock } = await import('../setup/clock.ts');
      const { paths } = effects;
      if (!dataIsMounted(paths)) throw dataMissing(paths);
      const facts = clockFacts(effects);
      const files = { saved: paths.savedClock, confirmed: paths.confirmedClock };
      const worth = saveClock(facts, files, paths.timesyncMark);
      const saved = worth !== 'nothing';
      printFacts(io, wantsJson(command), { saved, confirmed: worth === 'confirmed', ...facts }, () =>
        saved
          ? `saved ${effects.now().toISOString()}${worth === 'confirmed' ? ', which NTP confirmed' : ''}`
          : 'not saved: the clock is before what NTP once confirmed, or outside the span of the image',
      );
    });
}

/** One command a service that keeps something; its unit calls it before the service starts. */
const STORES = [
  { command: 'agent-store', whose: "the agent's", service: 'agent' },
  { command: 'site-store', whose: "the site's (sensors, findings, evidence)", service: 'site' },
] as const;

function addStores(setup: Command, io: CommandIo, makeEffects: MakeEffects): void {
  for (const { command: name, whose, service } of STORES)
    setup
      .command(name)
      .description(`mount ${whose} place on the data partition; makes it, or mends it, where that is needed`)
      .option('--json', 'print facts as JSON')
      .addHelpText('after', `\nExample:\n  bulkhead setup ${name} --json`)
      .action(async (_options: object, command: Command) => {
        const { paths, run } = await makeEffects('');
        const { requireAppliance } = await import('../setup/require-appliance.ts');
        const { dataIsMounted, dataMissing } = await import('../setup/setup.ts');
        const { mountServiceStore } = await import('../setup/service-store.ts');
        const { applianceStore } = await import('../setup/appliance-stores.ts');
        requireAppliance(paths, process.getuid?.());
        if (!dataIsMounted(paths)) throw dataMissing(paths);
        const store = applianceStore(service, paths, run);
        const outcome = await mountServiceStore(store);
        const { image, mountPoint, whenDamaged } = store;
        printFacts(io, wantsJson(command), { image, mountPoint, ...outcome }, () => {
          const why = outcome.reason === null ? '' : `, because ${outcome.reason}`;
          const what = whenDamaged === 'remove' ? 'is lost' : `is put aside as ${image}.damaged`;
          const lost = outcome.how === 'anew' ? `; what was kept there ${what}` : '';
          return `${mountPoint}: ${outcome.how}${why}${lost}`;
        });
      });
}

function addIdentity(setup: Command, io: CommandIo, makeEffects: MakeEffects): void {
  setup
    .command('identity')
    .description('make the device key and nothing else, on a machine that is no appliance and runs the agent')
    .option('--root <folder>', 'work below this folder instead of /', '')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead setup identity')
    .action(async (options: { root: string }, command: Command) => {
      const { paths } = await makeEffects(options.root || parentRoot(command));
      const { ensureHostIdentity } = await import('../setup/host-identity.ts');
      const outcome = ensureHostIdentity(paths);
      const facts = { how: outcome?.how ?? 'by-setup', deviceId: outcome?.identity.deviceId ?? null };
      printFacts(io, wantsJson(command), facts, () =>
        outcome === null
          ? 'this is an appliance: the set-up of each boot sees to its identity'
          : `device id ${outcome.identity.deviceId} (${outcome.how})`,
      );
    });
}

async function realEffects(root: string): Promise<SetupEffects> {
  const { setupPaths } = await import('../setup/paths.ts');
  const { run } = await import('../../base/run.ts');
  return {
    paths: setupPaths(root.replace(/\/+$/, '')),
    run,
    now: () => new Date(),
    environment: process.env,
  };
}

/** An option that parent and child share is parsed by the parent, wherever it stands. */
function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: true }>().json === true;
}

function parentRoot(command: Command): string {
  return command.optsWithGlobals<{ root?: string }>().root ?? '';
}

function withoutSecret<T extends object>(action: T): T {
  return 'secret' in action ? { ...action, content: '********' } : action;
}

function formatReport(report: SetupReport): string {
  return [
    `host name ${report.hostname}`,
    `device id ${report.deviceId ?? 'none'}`,
    ...report.notes,
    ...report.configProblems.map((problem) => `! configuration: ${problem}`),
    ...report.failures.map(({ step, reason }) => `! ${step}: ${reason}`),
    `${report.changed.length} paths changed, ${report.failures.length} steps failed`,
  ].join('\n');
}
