import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import type { HealingStatus, ShownRules } from '../healing/control.ts';
import type { HealingMode } from '../healing/decide/decide.ts';
import type { Healing } from '../healing/engine/healing-record.ts';
import type { SwitchState } from '../healing/engine/switch.ts';
import type { RegisterCommand } from './command.ts';

interface AskOptions {
  socket: string;
  json?: true;
}

/** `bulkhead healing`: what is put right by itself, how, and whether. */
export const registerHealing: RegisterCommand = (program, io) => {
  const healing = program
    .command('healing')
    .description('what is put right by itself: rules, what was done, the switch (root)')
    .addHelpText(
      'after',
      `
Examples:
  sudo bulkhead healing status
  sudo bulkhead healing history --subject appliance
  sudo bulkhead healing dry-run --reason 'new rules'     only write down what would be done
  bulkhead healing check rules.yaml                      whether a file of rules can be published`,
    );
  listings(healing, io);
  switches(healing, io);
  healing
    .command('reset')
    .description('let healing go on at a check where it has come to its limit')
    .argument('<subject>', "'appliance', a sensor's id or a target")
    .argument('<check>', 'e.g. firewall')
    .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
    .option('--json', 'print facts as JSON')
    .action(async (subject: string, check_type: string, { socket, json }: AskOptions) => {
      const body = { subject, check_type };
      const answer = (await ask('/reset', { socket, method: 'POST', body })) as { reset: boolean };
      printFacts(io, json, answer, () => (answer.reset ? 'healing goes on' : 'it was not stopped'));
    });
  healing
    .command('check')
    .description('tell what is wrong with a file of rules; asks nobody')
    .argument('<file>', 'YAML or JSON')
    .option('--json', 'print facts as JSON')
    .action(async (file: string, { json }: { json?: true }) => {
      const { parseRuleFile } = await import('../../protocol/healing/rule-set.ts');
      const { rules, switched_off } = parseRuleFile(readFileSync(file, 'utf8'));
      const facts = { rules: rules.map(({ id }) => id), switched_off };
      printFacts(io, json, facts, () => `${rules.length} rules can be published`);
    });
  healing
    .command('run-request', { hidden: true })
    .description('do what the service of the site asks root for (run by its unit)')
    .action(async () => {
      const { APPLIANCE_HEAL_TOOLS, serveHealing } = await import('../healing/targets/appliance/serve.ts');
      const { message } = await serveHealing(APPLIANCE_HEAL_TOOLS);
      io.out(`${message}\n`);
    });
};

function listings(healing: Command, io: CommandIo): void {
  const listing = (name: string, description: string) =>
    healing
      .command(name)
      .description(description)
      .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
      .option('--json', 'print facts as JSON');
  listing('status', 'whether healing is on, what it goes by, and where it has stopped').action(
    async ({ socket, json }: AskOptions) => {
      const { statusText } = await import('../healing/present.ts');
      // It is the same program: no other schema than its own. The same holds for all below.
      const status = (await ask('/', { socket })) as HealingStatus;
      printFacts(io, json, status, () => statusText(status));
    },
  );
  listing('rules', 'every rule that is known, and where it comes from').action(
    async ({ socket, json }: AskOptions) => {
      const { rulesText } = await import('../healing/present.ts');
      const shown = (await ask('/rules', { socket })) as ShownRules;
      printFacts(io, json, shown, () => rulesText(shown));
    },
  );
  listing('history', 'what was done, latest first')
    .option('--subject <id>', "of 'appliance', a sensor or a target")
    .option('--check <name>', 'of one check, e.g. firewall')
    .option('--limit <count>', 'how many', '50')
    .action(async (options: AskOptions & { subject?: string; check?: string; limit: string }) => {
      const { historyText } = await import('../healing/present.ts');
      const { socket, json, subject, check, limit } = options;
      const query = new URLSearchParams({ limit });
      if (subject !== undefined) query.set('subject', subject);
      if (check !== undefined) query.set('check_type', check);
      const healings = (await ask(`/history?${query}`, { socket })) as Healing[];
      printFacts(io, json, healings, () => historyText(healings));
    });
}

function switches(healing: Command, io: CommandIo): void {
  const position = (name: string, mode: HealingMode, description: string) =>
    healing
      .command(name)
      .description(description)
      .option('--reason <words>', 'for the evidence', 'by hand')
      .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
      .option('--json', 'print facts as JSON')
      .action(async ({ socket, json, reason }: AskOptions & { reason: string }) => {
        const { switchText } = await import('../healing/present.ts');
        const body = { mode, reason, by_whom: 'operator' };
        const state = (await ask('/mode', { socket, method: 'PUT', body })) as SwitchState;
        printFacts(io, json, state, () => switchText(state));
      });
  position('on', 'on', 'heal what rules are for');
  position('off', 'off', 'do nothing, whatever is found; what is under way is looked at to its end');
  position('dry-run', 'dry_run', 'do nothing, and write down what would be done');
}

async function ask(
  path: string,
  call: { socket: string; method?: 'POST' | 'PUT'; body?: unknown },
): Promise<unknown> {
  const { callSite } = await import('../site/control/client.ts');
  return callSite(`/v1/healing${path}`, call);
}
