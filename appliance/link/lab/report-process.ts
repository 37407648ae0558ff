import { appendFileSync, readFileSync } from 'node:fs';
import { getLogger } from '@logtape/logtape';
import { exampleFingerprint } from '../../../protocol/messages/example-fingerprint.ts';
import { deviceKeyFromSeed } from '../../identity/key-file.ts';
import type { Outbox, OutgoingMessage } from '../interfaces.ts';
import { createLink } from '../link.ts';

/**
 * An appliance's link as a process of its own, for being killed at any moment: it puts numbered messages into the outbox, one every few
 * milliseconds, goes on where the process before it stopped, and ends when everything has been delivered.
 */
export interface ReportTask {
  url: string;
  ca_pem: string;
  /** Device key, hex. */
  seed: string;
  folder: string;
  /** One line before and one after each message is put: `begin 7`, `done 7`. */
  journal: string;
  order_id: string;
  /** Messages that this process puts before it ends; null: it goes on until it is killed. */
  more: number | null;
}

/** Log pieces have as many characters, so that number tells place. */
export const PIECE_CHARS = 8;
const PAUSE_MS = 10;
/** Every so many messages one is a report; the coordinator shows 200 of them. */
const REPORT_EVERY = 40;

/** At both ends a result of the order, between them pieces of its log and reports. */
function messageOf(index: number, last: number, order_id: string): OutgoingMessage {
  const observed_at_ms = 1_790_000_000_000 + index;
  if (index === 0 || index === last) {
    const state = index === 0 ? 'accepted' : 'succeeded';
    return { kind: 'result', order_id, result: { attempt: 1, state, observed_at_ms } };
  }
  if (index % REPORT_EVERY !== 1) {
    const text = String(index).padEnd(PIECE_CHARS);
    return { kind: 'log', order_id, piece: { attempt: 1, offset: index * PIECE_CHARS, text } };
  }
  const fingerprint = exampleFingerprint({ hostname: `box-${index}` });
  return { kind: 'state', report: { reason: 'state_delta', observed_at_ms, uptime_s: index, fingerprint } };
}

/** One that was begun may be there or not; nobody who has been killed can tell, so it is never put again. */
function nextIndex(journal: string): number {
  const begun = [...readFileSync(journal, 'utf8').matchAll(/^begin (\d+)$/gm)].map(([, index]) =>
    Number(index),
  );
  return Math.max(-1, ...begun) + 1;
}

async function work(task: ReportTask): Promise<void> {
  let outbox: Outbox | undefined;
  const link = createLink({
    ...{ url: new URL(task.url), ca_pem: task.ca_pem, provision_code: null, folder: task.folder },
    key: deviceKeyFromSeed(Buffer.from(task.seed, 'hex')),
    fingerprint: { current: async () => exampleFingerprint(), subscribe: () => () => {} },
    makeOrders: (made) => {
      outbox = made;
      return { take: () => {}, stop: async () => {} };
    },
    ...{ hardware: 'qemu', uptime_s: () => 1, update: () => undefined, onChange: () => {} },
    ...{ log: getLogger(['lab']), random: () => 0.02 },
  });
  link.start();
  const first = nextIndex(task.journal);
  const last = task.more === null ? Number.POSITIVE_INFINITY : first + task.more - 1;
  for (let index = first; index <= last; index += 1) {
    appendFileSync(task.journal, `begin ${index}\n`);
    outbox?.put(messageOf(index, last, task.order_id));
    appendFileSync(task.journal, `done ${index}\n`);
    await Bun.sleep(PAUSE_MS);
  }
  while (link.status().waiting.records > 0) await Bun.sleep(PAUSE_MS);
  await link.stop();
}

const text = process.env['REPORT_TASK'];
if (text !== undefined) await work(JSON.parse(text) as ReportTask);
