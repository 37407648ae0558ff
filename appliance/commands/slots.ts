import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import type { SlotChange } from '../slots/operate.ts';
import type { SlotsTools } from '../slots/slots-tools.ts';
import type { RegisterCommand } from './command.ts';

interface JsonOption {
  json?: true;
}

export const registerSlots: RegisterCommand = (program, io) =>
  registerSlotsWith(program, io, async () => (await import('../slots/slots-tools.ts')).APPLIANCE_TOOLS);

/** `bulkhead slots` on the given tools. */
export function registerSlotsWith(program: Command, io: CommandIo, tools: () => Promise<SlotsTools>): void {
  const slots = program
    .command('slots')
    .description('show both slots: what is in them, which one runs, which one boots next')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
As root everything is read from the disk; otherwise this shows what the health gate last saw.
The states of a slot and the rules by which one is chosen are in the documentation (reference, boot state).

Examples:
  bulkhead slots                 the two slots
  sudo bulkhead slots rollback   go back to the other slot on the next boot
  sudo bulkhead slots arm B      try slot B on the next boot
  sudo bulkhead slots repair     write the boot state anew where it is damaged or missing`,
    )
    .action(async (options: JsonOption) => {
      const { inspectSlots, slotsText } = await import('../slots/present.ts');
      const facts = await inspectSlots(await tools());
      printFacts(io, options.json, facts, () => slotsText(facts));
    });

  const operation = (
    usage: string,
    description: string,
    act: (tools: SlotsTools, argument: string) => Promise<SlotChange>,
  ) =>
    slots
      .command(usage)
      .description(description)
      .option('--json', 'print facts as JSON')
      .action(async (...given: unknown[]) => {
        const command = given.at(-1) as Command;
        const { exclusively } = await import('../slots/exclusively.ts');
        const appliance = await tools();
        const change = await exclusively(appliance, `slots ${command.name()}`, () =>
          act(appliance, command.args[0] ?? ''),
        );
        // With the parent's options: `--json` behind the name is taken by whichever command declares it first.
        printFacts(io, command.optsWithGlobals<JsonOption>().json, change, () => change.message);
      });

  operation(
    'arm <slot>',
    'put slot A or B on trial from the next boot on: three boots to pass the health gate (root)',
    async (given, slot) => {
      const { parseSlot } = await import('../../partitions/slot.ts');
      const { armSlot } = await import('../slots/operate.ts');
      return armSlot(given, parseSlot(slot));
    },
  );
  operation(
    'rollback',
    'take the other slot on the next boot, if it once passed the health gate; does not reboot (root)',
    async (given) => (await import('../slots/operate.ts')).rollBackSlot(given),
  );
  operation(
    'repair',
    'write a boot state where it is damaged or missing; a whole one is left alone (root)',
    async (given) => (await import('../slots/operate.ts')).repairSlots(given),
  );
}
