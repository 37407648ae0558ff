import { printFacts } from '../../base/command-line.ts';
import { EVIDENCE_KEY_FILE, SITE_CONTROL_SOCKET, SITE_STORE_FOLDER } from '../../base/paths.ts';
import type { SiteStatus } from '../site/site.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead site`: the long-running process of bulkhead-site.service, and how it is. */
export const registerSite: RegisterCommand = (program, io) => {
  const site = program
    .command('site')
    .description('the service that looks after the site: sensors, healing, evidence');
  site
    .command('run')
    .description('run it: sensor APIs, compliance checks, healing, evidence')
    .option('--folder <path>', `where it keeps what it keeps (default: ${SITE_STORE_FOLDER}, mounted)`)
    .option('--socket <path>', 'the socket that this machine asks it by', SITE_CONTROL_SOCKET)
    .option('--evidence-key <file>', 'what evidence is signed with', EVIDENCE_KEY_FILE)
    .addHelpText(
      'after',
      `
Runs until SIGTERM or SIGINT. Log on standard error.

Examples:
  bulkhead site run                                             as the service does
  bulkhead site run --folder ./site --socket ./site/control     on a workstation`,
    )
    .action(async (options: { folder?: string; socket: string; evidenceKey: string }) => {
      const { runSite } = await import('../site/run-site.ts');
      io.setExitCode(await runSite(options));
    });
  site
    .command('status')
    .description('how it is (root)')
    .option('--socket <path>', 'the socket that it answers on', SITE_CONTROL_SOCKET)
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  sudo bulkhead site status --json')
    .action(async ({ json, socket }: { json?: true; socket: string }) => {
      const { callSite } = await import('../site/control/client.ts');
      const { formatBytes } = await import('../../base/text.ts');
      // It is the same program: no other schema than its own.
      const status = (await callSite('/v1/site', { socket })) as SiteStatus;
      printFacts(io, json, status, () => {
        const { folder, free_bytes, size_bytes } = status.store;
        return [
          `version  ${status.version}`,
          `started  ${status.started_at}`,
          `store    ${folder}, ${formatBytes(free_bytes)} of ${formatBytes(size_bytes)} free`,
        ].join('\n');
      });
    });
};
