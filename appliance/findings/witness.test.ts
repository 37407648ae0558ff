import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openLog } from '../../test/evidence/evidence-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import type { EvidenceEntry, EvidenceLog } from '../evidence/entry.ts';
import { ENTRIES_MAX } from '../evidence/limits.ts';
import { openSiteStore } from '../site/store/store.ts';
import { createFindings } from './findings.ts';
import { exampleDetection as detection } from './lab/detections.ts';
import { CHANGES_BURST } from './limits.ts';
import { FINDINGS_PART } from './tables.ts';
import { createWitness, WITNESS_PART } from './witness.ts';

/** On a busy machine, too. */
const PATIENT = { timeout: 10_000 };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Findings with real evidence beside them, of which every entry is also kept. */
async function site(
  folder: string,
  max_bytes?: number,
  bounds: { events_max_bytes?: number; store?: { max_bytes: number } } = {},
) {
  const log = await openLog(
    join(folder, 'evidence'),
    max_bytes === undefined ? {} : { max_bytes, reserve_bytes: 0 },
  );
  const entries: EvidenceEntry[] = [];
  const evidence: EvidenceLog = {
    async append(more) {
      const head = await log.append(more);
      entries.push(...more);
      return head;
    },
    head: () => log.head(),
  };
  const warnings: string[] = [];
  const warn = (words: string) => warnings.push(words);
  const file = join(folder, 'site.db');
  const store = openSiteStore({ file, parts: [FINDINGS_PART, WITNESS_PART], warn, ...bounds.store });
  const findings = createFindings({
    ...{ store, now_ms: Date.now, warn },
    ...(bounds.events_max_bytes === undefined ? {} : { events_max_bytes: bounds.events_max_bytes }),
  });
  const witness = createWitness({ store, findings, evidence, warn, seal_interval_ms: 60_000, retry_ms: 20 });
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await witness.stop();
    findings.stop();
    store.stop();
    await log.stop();
  };
  ends.push(stop);
  const kinds = () => entries.map(({ kind, body }) => `${kind} ${body['check_type'] ?? body['count']}`);
  return { findings, witness, entries, kinds, warnings, stop };
}

describe('what is on record of findings', () => {
  test('is each one that was opened and closed, once, and a digest of the events behind them', async () => {
    const { findings, witness, kinds, entries, stop } = await site(makeFolder('witness'));
    await findings.record([detection({ check_type: 'firewall', passed: false, at_s: 100 })]);
    await findings.record([detection({ check_type: 'firewall', passed: false, at_s: 160 })]);
    await findings.record([detection({ check_type: 'disk', passed: true, at_s: 170 })]);
    await findings.record([detection({ check_type: 'firewall', passed: true, at_s: 220 })], 'healing');
    await witness.tell();
    await witness.tell();
    expect(kinds()).toEqual(['finding.opened firewall', 'finding.closed firewall']);
    expect(entries[1]?.body).toMatchObject({ closed_by: 'healing', finding: entries[0]?.body['finding'] });
    await stop();
    expect(kinds().at(-1)).toBe('events.sealed 4');
  });

  test('goes on after a restart where it was', async () => {
    const folder = makeFolder('witness');
    const first = await site(folder);
    await first.findings.record([detection({ check_type: 'firewall', passed: false, at_s: 100 })]);
    await first.stop();
    const second = await site(folder);
    await second.findings.record([detection({ check_type: 'ssh', passed: false, at_s: 200 })]);
    await second.stop();
    expect(second.kinds()).toEqual(['finding.opened ssh', 'events.sealed 1']);
  });

  test('is tried again when the evidence has no room, and nothing is lost', async () => {
    const folder = makeFolder('witness');
    const full = await site(folder, 1);
    await full.findings.record([detection({ check_type: 'firewall', passed: false, at_s: 100 })]);
    await expect.poll(() => full.warnings.length).toBeGreaterThan(1);
    expect(full.warnings[0]).toContain('EVIDENCE_FULL');
    await full.stop();
    expect(full.kinds()).toEqual([]);
    const { witness, kinds } = await site(folder);
    await witness.tell();
    expect(kinds()).toEqual(['finding.opened firewall']);
  });

  test('holds a finding that a slow clock or a queue puts before one that is on record already', async () => {
    const { findings, witness, kinds } = await site(makeFolder('witness'));
    const now_s = Math.floor(Date.now() / 1000);
    await findings.record([detection({ check_type: 'ssh', passed: false, at_s: now_s })]);
    await witness.tell();
    await findings.record([detection({ check_type: 'firewall', passed: false, at_s: now_s - 3600 })]);
    await findings.record([detection({ check_type: 'firewall', passed: true, at_s: now_s - 1800 })]);
    await witness.tell();
    expect(kinds()).toEqual(['finding.opened ssh', 'finding.opened firewall', 'finding.closed firewall']);
  });

  test('is not filled by one whose check goes to and fro, and others are heard beside it', async () => {
    const { findings, witness, entries } = await site(makeFolder('witness'));
    const rogue = 's-00000000000000b2';
    for (let index = 0; index < 2; index += 1)
      await findings.record(
        Array.from({ length: CHANGES_BURST / 2 + 10 }, (_, at) =>
          detection({ subject: rogue, passed: at % 2 === 1, metadata: { number: `${index} ${at}` } }),
        ),
      );
    await witness.tell();
    await findings.record([detection({ check_type: 'ssh', passed: false })]);
    await witness.tell();
    const subjects = entries.map(({ body }) => body['subject']);
    expect(subjects.filter((subject) => subject === rogue).length).toBeLessThanOrEqual(CHANGES_BURST);
    expect(subjects.at(-1)).not.toBe(rogue);
  });

  test('holds more findings than one append takes', async () => {
    const { findings, witness, kinds, warnings } = await site(makeFolder('witness'));
    const many = Array.from({ length: 2 * ENTRIES_MAX + 1 }, (_, index) =>
      detection({ check_type: `check_${index}`, passed: false }),
    );
    await findings.record(many);
    await witness.tell();
    expect(warnings).toEqual([]);
    expect(kinds()).toHaveLength(many.length);
  });

  test('has every event sealed before it may go, however fast they come', async () => {
    const { findings, entries, warnings } = await site(makeFolder('witness'), undefined, {
      events_max_bytes: 60_000,
    });
    const of = (index: number) => detection({ passed: true, check_type: 'disk', at_s: 1_000 + index });
    for (let batch = 0; batch < 10; batch += 1)
      await findings.record(Array.from({ length: 100 }, (_, index) => of(100 * batch + index)));
    const oldest = () => findings.events({ limit: 1_000 }).at(-1)?.seq ?? 0;
    await expect.poll(oldest, PATIENT).toBeGreaterThan(700);
    const sealed = entries.filter(({ kind }) => kind === 'events.sealed').map(({ body }) => body);
    expect(sealed[0]).toMatchObject({ first_seq: 1 });
    expect(sealed.at(-1)?.['last_seq']).toBeGreaterThanOrEqual(oldest() - 1);
    expect(sealed.slice(1).map(({ first_seq }) => first_seq)).toEqual(
      sealed.slice(0, -1).map(({ last_seq }) => Number(last_seq) + 1),
    );
    expect(warnings).toEqual([]);
  });

  test('seals and makes room in a store that is full to its last page', async () => {
    const store = { max_bytes: 100 * 4_096 };
    const { findings, entries, warnings } = await site(makeFolder('witness'), undefined, { store });
    let refused = 0;
    const record = (index: number) =>
      findings
        .record([
          detection({ passed: true, check_type: 'disk', at_s: 1_000 + index, actual: 'x'.repeat(1_000) }),
        ])
        .then(
          () => true,
          () => false,
        );
    for (let index = 0; index < 2_000 && refused === 0; index += 1) refused += (await record(index)) ? 0 : 1;
    expect(refused).toBe(1);
    await expect.poll(() => record(5_000), PATIENT).toBe(true);
    const oldest = findings.events({ limit: 1_000 }).at(-1)?.seq ?? 0;
    expect(oldest).toBeGreaterThan(1);
    expect(entries.at(-1)?.body).toMatchObject({ first_seq: 1 });
    expect(warnings).toEqual([]);
  });

  test('keeps events that cannot be sealed, and says so', async () => {
    const { findings, warnings } = await site(makeFolder('witness'), 1, { events_max_bytes: 20_000 });
    for (let index = 0; index < 100; index += 1)
      await findings.record([detection({ passed: true, check_type: 'disk', at_s: 1_000 + index })]);
    await expect.poll(() => warnings.join(), PATIENT).toContain('could not be removed');
    expect(findings.events({ limit: 1_000 })).toHaveLength(100);
  });

  test('tells when the appliance received what a sensor dates back, and nothing of the kind where a person closes', async () => {
    const { findings, witness, entries } = await site(makeFolder('witness'));
    const before = new Date().toISOString();
    const at_s = Math.floor(Date.now() / 1000) - 86_400;
    await findings.record([detection({ check_type: 'firewall', passed: false, at_s })]);
    await findings.record([detection({ check_type: 'firewall', passed: true, at_s: at_s + 60 })]);
    await findings.record([detection({ check_type: 'disk', passed: false, at_s })]);
    await findings.settle(findings.open()[0]?.id ?? '', 'operator');
    await witness.tell();
    const [opened, closed, , settled] = entries.map(({ body }) => body);
    expect(opened?.['opened_at']).toBe(new Date(at_s * 1000).toISOString());
    for (const body of [opened, closed]) expect(String(body?.['received_at']) >= before).toBe(true);
    expect(settled).toMatchObject({ closed_by: 'operator', received_at: null });
  });
});
