import { readFileSync } from 'node:fs';
import { type ApiCommandOptions, apiOf, printOne, printRows, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface RuleSetLine {
  version: number;
  note: string;
  rules: string[];
  switched_off: string[];
  published_ms: number;
  published_by: string;
}

/** `bulkhead-coordinator rules …`. */
export const registerRules: RegisterCommand = (program, io) => {
  const rules = program
    .command('rules')
    .description('healing rules of the fleet')
    .addHelpText(
      'after',
      `
Appliances take the newest version when they are ordered to:
  bulkhead-coordinator rules publish rules.yaml
  bulkhead-coordinator order create --help      the type is sync_rules

What a file of rules looks like is in the documentation (reference, healing rules).`,
    );
  withApiOptions(
    rules.command('publish').description('check a file of rules, sign it, and keep it as the next version'),
  )
    .argument('<file>', 'YAML or JSON')
    .action(async (file: string, options: ApiCommandOptions) => {
      const { parseRuleFile } = await import('../../protocol/healing/rule-set.ts');
      const text = readFileSync(file, 'utf8');
      // Before anything is sent: the same words, sooner.
      parseRuleFile(text);
      printOne(io, await (await apiOf(options)).call('POST', '/api/v1/rules', { file: text }));
    });
  withApiOptions(rules.command('list').description('list versions, newest first')).action(
    async (options: ApiCommandOptions) => {
      const { rule_sets } = (await (await apiOf(options)).call('GET', '/api/v1/rules')) as {
        rule_sets: RuleSetLine[];
      };
      const head = ['version', 'published', 'by', 'rules', 'switched off', 'note'];
      await printRows(io, options, rule_sets, head, (row, time) => [
        ...[row.version, time(row.published_ms), row.published_by, row.rules.length, row.switched_off.length],
        row.note,
      ]);
    },
  );
};
