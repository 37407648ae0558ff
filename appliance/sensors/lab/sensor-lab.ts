import { join } from 'node:path';
import type { EvidenceLog } from '../../evidence/entry.ts';
import { FINDINGS_PART } from '../../findings/tables.ts';
import { openSiteStore, type SiteStore } from '../../site/store/store.ts';
import { createAdmission } from '../admission/admission.ts';
import type { AdmissionPlea } from '../admission/plea.ts';
import { ADMISSION_PART } from '../admission/tables.ts';
import { createCommands } from '../commands/create-commands.ts';
import { COMMANDS_PART } from '../commands/results-table.ts';
import { createRegistry } from '../registry/registry.ts';
import { SENSORS_PART } from '../registry/tables.ts';

/** Everything about sensors but the way to them, on a real store, with a clock that tests set. */
export function sensorLab(folder: string) {
  const clock = { now_ms: Date.parse('2026-11-21T12:00:00Z') };
  const warnings: string[] = [];
  const record: { kind: string; body: Record<string, unknown> }[] = [];
  const state = { evidence_full: false };
  const now_ms = () => clock.now_ms;
  const warn = (message: string) => warnings.push(message);
  const evidence: Pick<EvidenceLog, 'append'> = {
    async append(entries) {
      if (state.evidence_full) throw new Error('the evidence is full');
      record.push(...entries);
      return { seq: record.length, hash: '' };
    },
  };
  const open = () => {
    const store: SiteStore = openSiteStore({
      file: join(folder, 'site.db'),
      parts: [FINDINGS_PART, SENSORS_PART, ADMISSION_PART, COMMANDS_PART],
      warn,
    });
    const registry = createRegistry({ store, now: () => new Date(clock.now_ms), warn });
    const admission = createAdmission({ store, registry, evidence, now_ms, warn });
    const commands = createCommands({ store, registry, now_ms, warn });
    return { store, registry, admission, commands };
  };
  let parts = open();
  const close = async () => {
    await parts.registry.stop();
    parts.store.stop();
  };
  return {
    get parts() {
      return parts;
    },
    ...{ clock, warnings, record, state, evidence, now_ms, warn, close },
    /** As after the end of the process, orderly. */
    async restart() {
      await close();
      parts = open();
    },
    pass(ms: number) {
      clock.now_ms += ms;
    },
    plea: (more: Partial<AdmissionPlea> = {}): AdmissionPlea => ({
      ...{ way: 'grpc', hostname: 'desk-7', domain: null, os_version: 'Debian 12', agent_version: '1.0' },
      ...{ mac_address: null, code: null, claim: null, address: '192.0.2.7' },
      ...more,
    }),
  };
}

export type SensorLab = ReturnType<typeof sensorLab>;
