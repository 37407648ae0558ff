import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../base/run.ts';
import type { FactContext } from './fact-context.ts';

/** A temporary tree in the shape of an appliance's, for tests. Paths are relative: `proc/uptime`. */
export interface FactTree {
  root: string;
  write(path: string, content: string): void;
  context: FactContext;
  warnings: string[];
  remove(): void;
}

export function makeFactTree(): FactTree {
  const root = mkdtempSync(join(tmpdir(), 'facts-'));
  const warnings: string[] = [];
  const at = (path: string) => join(root, path);
  return {
    root,
    warnings,
    write(path, content) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
    },
    context: {
      paths: {
        proc: at('proc'),
        sys: at('sys'),
        run: at('run'),
        etc: at('etc'),
        dataMount: at('data'),
        imageInfoFile: at('image.json'),
        initrdReportFile: at('run/bulkhead/initrd.env'),
        machineFactsFile: at('run/bulkhead/machine.json'),
        healthFile: at('run/bulkhead/health.json'),
        firewallFactsFile: at('run/bulkhead/firewall.json'),
        verdictJournalFile: at('data/health/verdicts.jsonl'),
        deviceKeyFile: at('data/identity/device.key'),
        criticalUnitsFile: at('critical-units'),
        setupFactsFile: at('run/bulkhead/setup.json'),
        secretsFactsFile: at('run/bulkhead/secrets.json'),
        updateProgressFile: at('run/bulkhead/update.json'),
        pendingUpdateFile: at('data/update/pending.json'),
        updateHistoryFile: at('data/update/history.jsonl'),
        rejectedReleasesFile: at('data/update/rejected.json'),
      },
      run,
      now: () => new Date('2026-11-21T12:00:00Z'),
      siteId: null,
      coordinator: () => ({
        configured: false,
        url: null,
        reachable: null,
        failingStage: null,
        message: 'not configured',
        checkedAt: null,
        link: null,
      }),
      warn: (message) => warnings.push(message),
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
