import { appendFileSync } from 'node:fs';
import { healed, openLog } from './evidence-lab.ts';

/** A log as a process of its own, for being killed at any moment: it appends numbered entries, many at once, and writes down what it was told. */
export interface AppendTask {
  folder: string;
  /** One line for each entry that was acknowledged: number and hash. */
  journal: string;
  /** The first number of this life. */
  from: number;
}

/** Callers at once: they share flushes. */
const CALLERS = 8;
const ROLL_BYTES = 8192;

async function work({ folder, journal, from }: AppendTask): Promise<void> {
  const log = await openLog(folder, { roll_bytes: ROLL_BYTES });
  let number = from;
  const call = async (): Promise<void> => {
    for (;;) {
      const mine = number;
      number += 1;
      const { seq, hash } = await log.append([healed(mine)]);
      appendFileSync(journal, `${mine} ${seq} ${hash}\n`);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
}

const text = process.env['APPEND_TASK'];
if (text !== undefined) await work(JSON.parse(text) as AppendTask);
