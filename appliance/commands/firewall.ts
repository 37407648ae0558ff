import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { FIREWALL_FACTS_FILE } from '../../base/paths.ts';
import { type Run, run } from '../../base/run.ts';
import type { FirewallFacts } from '../firewall/facts.ts';
import type { LoadedPolicy } from '../firewall/operate.ts';
import type { RegisterCommand } from './command.ts';

/** What the command needs from outside; a test hands in a network namespace and a temporary file. */
export interface FirewallCommandTools {
  loadPolicy: () => Promise<LoadedPolicy>;
  run: Run;
  now: () => Date;
  factsPath: string;
  isRoot: () => boolean;
  /** Whether our boot loader started this machine. */
  isAppliance: () => Promise<boolean>;
}

const APPLIANCE: FirewallCommandTools = {
  loadPolicy: async () => (await import('../firewall/load-policy.ts')).loadPolicyFromConfiguration(),
  run,
  now: () => new Date(),
  factsPath: FIREWALL_FACTS_FILE,
  isRoot: () => process.getuid?.() === 0,
  isAppliance: async () => (await import('../setup/require-appliance.ts')).startedByBulkhead(),
};

export const registerFirewall: RegisterCommand = (program, io) =>
  registerFirewallWith(program, io, APPLIANCE);

/** `bulkhead firewall` on the given tools. */
export function registerFirewallWith(program: Command, io: CommandIo, tools: FirewallCommandTools): void {
  const firewall = program
    .command('firewall')
    .description(
      'show, load and check the packet filter: one nftables table, default drop in every direction',
    )
    .addHelpText(
      'after',
      `
The rules follow from the configuration: port 80 always, port 22 once a key is in ssh.authorized_keys,
outbound the port of coordinator.url. What each rule is for is in the documentation (reference, firewall).

Examples:
  bulkhead firewall show             the rules the configuration asks for, and the ports
  sudo bulkhead firewall apply       load them, read them back, record what the kernel has
  sudo bulkhead firewall check       has somebody changed them?`,
    );

  firewall
    .command('show', { isDefault: true })
    .description('print the rules that the configuration asks for, and the ports; reads no kernel state')
    .option('--json', 'print facts as JSON')
    .action(async (options: { json?: boolean }) => {
      const { shownFirewall, showText } = await import('../firewall/present.ts');
      const shown = shownFirewall(await tools.loadPolicy());
      printFacts(io, options.json, shown, () => showText(shown));
    });

  firewall
    .command('apply')
    .description('load the rules in one transaction, read them back and record the result (root)')
    .option(
      '--yes',
      'load them on a machine that is no appliance, too: it is then closed but for what they let in',
    )
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      '\nExit status 1: the kernel has something else than the configuration asks for; the message says what.',
    )
    .action(async (options: { json?: boolean; yes?: boolean }) => {
      if (!tools.isRoot()) {
        throw new BulkheadError('FIREWALL_NEEDS_ROOT', 'only root may load the firewall', {
          hint: 'sudo bulkhead firewall apply',
        });
      }
      // A workstation would shut out whoever works on it from afar. The unit says yes: no boot hangs on this question.
      if (options.yes !== true && !(await tools.isAppliance())) {
        throw new BulkheadError(
          'FIREWALL_NOT_AN_APPLIANCE',
          'the rules are not loaded: this machine was not started by the Bulkhead boot loader, and they would close it',
          { hint: "'bulkhead firewall show' prints them; --yes loads them all the same" },
        );
      }
      const { applyFirewall } = await import('../firewall/operate.ts');
      const { nftClient } = await import('../firewall/nft/client.ts');
      const facts = await applyFirewall(await tools.loadPolicy(), {
        nft: nftClient(tools.run),
        now: tools.now,
        factsPath: tools.factsPath,
      });
      await report(io, options.json, facts);
    });

  firewall
    .command('check')
    .description(
      'compare what the kernel has with what the configuration asks for; changes no rule (CAP_NET_ADMIN)',
    )
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nAs root it also records the result. Exit status 1: they differ.')
    .action(async (options: { json?: boolean }) => {
      const { checkFirewall } = await import('../firewall/operate.ts');
      const { nftClient } = await import('../firewall/nft/client.ts');
      const facts = await checkFirewall(await tools.loadPolicy(), {
        nft: nftClient(tools.run),
        now: tools.now,
        factsPath: tools.isRoot() ? tools.factsPath : null,
      });
      await report(io, options.json, facts);
    });
}

async function report(io: CommandIo, asJson: boolean | undefined, facts: FirewallFacts): Promise<void> {
  const { factsText } = await import('../firewall/present.ts');
  const { firewallProblem } = await import('../firewall/facts.ts');
  printFacts(io, asJson, facts, () => factsText(facts));
  if (firewallProblem(facts) !== null) io.setExitCode(1);
}
