import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type LinkLab, startLinkLab, until } from '../../test/coordinator/link-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { PIECE_CHARS, type ReportTask } from './lab/report-process.ts';

const KILLS = process.env['BULKHEAD_FULL'] === '1' ? 100 : 10;
/** Most processes are killed well into their work, some before they have opened anything. */
const EARLY_SHARE = 0.2;
const EARLY_MS = 300;
/** What a process writes into its journal at most before it is killed: a dozen bytes a message. */
const LIFE_BYTES = 800;
/** Messages of the last process, which is left alone. */
const MORE = 45;

async function prepare(lab: LinkLab): Promise<{ task: ReportTask; id: string }> {
  const folder = makeFolder('link');
  const link = await lab.connected({ folder });
  await link.stop();
  // One that may take a day: the coordinator's clock runs fast here.
  const parameters = { reason: 'test', reboot: 'at_once' };
  const order = { device_id: link.id, type: 'reboot', parameters };
  const { id: order_id } = await lab.ask('POST', '/api/v1/orders', order);
  const journal = join(folder, 'journal');
  writeFileSync(journal, '');
  const seed = Buffer.from(link.key.secretKey.subarray(0, 32)).toString('hex');
  const task = { url: lab.line.url.href, ca_pem: lab.certificate, seed, folder, journal, more: null };
  return { task: { ...task, order_id: String(order_id) }, id: link.id };
}

let running: Bun.Subprocess | undefined;
afterEach(() => running?.kill('SIGKILL'));

function startProcess(task: ReportTask): Bun.Subprocess {
  const program = new URL('./lab/report-process.ts', import.meta.url).pathname;
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const env = { PATH, TMPDIR, REPORT_TASK: JSON.stringify(task) };
  running = Bun.spawn([process.execPath, program], { env, stdout: 'inherit', stderr: 'inherit' });
  return running;
}

/** A life is counted in work and not in time: how fast a process starts is the machine's matter. */
async function liveFor(journal: string): Promise<void> {
  if (Math.random() < EARLY_SHARE) return void (await Bun.sleep(Math.random() * EARLY_MS));
  const until_bytes = statSync(journal).size + 1 + Math.random() * LIFE_BYTES;
  await until(() => statSync(journal).size >= until_bytes, 30_000);
  await Bun.sleep(Math.random() * 20);
}

/** Numbers of messages in the journal, by what is known of them. */
function journalled(journal: string, word: 'begin' | 'done'): number[] {
  const lines = readFileSync(journal, 'utf8').matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'));
  return [...lines].map(([, index]) => Number(index));
}

test(
  `killed ${KILLS} times at any moment, on a bad line: what was put arrives exactly once and in order`,
  async () => {
    const lab = await startLinkLab();
    const { task, id } = await prepare(lab);
    lab.line.fate = () => {
      // The coordinator's clock goes on, so that its rate limit is none here.
      lab.coordinator.wait(2_100);
      const chance = Math.random();
      if (chance < 0.05) return 'drop';
      if (chance < 0.1) return 'cut';
      if (chance < 0.15) return 'twice';
      return chance < 0.2 ? 'slow' : 'pass';
    };
    for (let killed = 0; killed < KILLS; killed += 1) {
      const child = startProcess(task);
      await liveFor(task.journal);
      expect(child.exitCode).toBeNull();
      child.kill('SIGKILL');
      await child.exited;
    }
    expect(await startProcess({ ...task, more: MORE }).exited).toBe(0);

    const done = new Set(journalled(task.journal, 'done'));
    const begun = journalled(task.journal, 'begin');
    const { log, events, state } = await lab.ask('GET', `/api/v1/orders/${task.order_id}`);
    const pieces = (log as { text: string }[])[0]?.text.match(new RegExp(`.{${PIECE_CHARS}}`, 'g')) ?? [];
    const arrived = [...pieces.map(Number), ...(await reported(lab, id))].sort((a, b) => a - b);
    const last = Math.max(...begun);
    expect(last).toBeGreaterThan(MORE);
    const between = (index: number) => index > 0 && index < last;
    // Once each, and nothing that was done is missing.
    expect(arrived).toEqual([...new Set(arrived)]);
    expect([...done].filter(between).filter((index) => !arrived.includes(index))).toEqual([]);
    expect(arrived.filter((index) => !begun.includes(index))).toEqual([]);
    // In order: what the line has seen for the first time rises.
    const seen = firstSeen(lab);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(state).toBe('succeeded');
    const accepted = (events as { state: string }[]).filter((event) => event.state === 'accepted');
    expect(accepted).toHaveLength(done.has(0) ? 1 : accepted.length);
  },
  KILLS * 12_000,
);

/** Numbers of the reports that changed something, as the coordinator has them in its order. */
async function reported(lab: LinkLab, id: string): Promise<number[]> {
  const rows = await lab.ask('GET', `/api/v1/devices/${id}/changes?limit=200`);
  const names = (rows['changes'] as { changes: { field: string; after: string }[] }[])
    .reverse()
    .flatMap(({ changes }) => changes.filter(({ field }) => field === 'hostname'));
  // Between them come those that the coordinator asks a new process for.
  const numbers = names
    .filter(({ after }) => after.startsWith('box-'))
    .map(({ after }) => Number(after.slice('box-'.length)));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  return numbers;
}

/** Numbers of messages in the order in which they came by, repetitions left out. */
function firstSeen(lab: LinkLab): number[] {
  const numbers = lab.line.requests.flatMap(({ path, body }) => {
    if (path.endsWith('/log')) return [Number(JSON.parse(body).offset) / PIECE_CHARS];
    const hostname = path.endsWith('/state') ? String(JSON.parse(body).fingerprint.hostname) : '';
    return hostname.startsWith('box-') ? [Number(hostname.slice('box-'.length))] : [];
  });
  return [...new Set(numbers)];
}
