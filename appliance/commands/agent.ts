import { InvalidArgumentError } from 'commander';
import type { RegisterCommand } from './command.ts';

interface AgentCliOptions {
  port: number;
  listen?: string;
}

/** `bulkhead agent`: the long-running process of compliance-agent.service. */
export const registerAgent: RegisterCommand = (program, io) => {
  program
    .command('agent')
    .description('run the agent: status page, console text, check of the way to the coordinator')
    .option('--port <port>', 'port of the status page', parsePort, 80)
    .option('--listen <address>', 'address to listen on (default: all)')
    .addHelpText(
      'after',
      `
Runs until SIGTERM or SIGINT. Log on standard error. On a workstation it shows what that machine knows
and "not known" for everything that only an appliance has.

Examples:
  bulkhead agent                                      as the service does
  bulkhead agent --port 8080 --listen 127.0.0.1       on a workstation`,
    )
    .action(async (options: AgentCliOptions) => {
      const { runAgent } = await import('../agent/run-agent.ts');
      io.setExitCode(await runAgent(options));
    });
};

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('a port is a whole number from 0 (any free one) to 65535');
  }
  return port;
}
