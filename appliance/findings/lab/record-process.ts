import { appendFileSync } from 'node:fs';
import { openSiteStore } from '../../site/store/store.ts';
import { createFindings } from '../findings.ts';
import { FINDINGS_PART } from '../tables.ts';
import { exampleDetection, NOON_S } from './detections.ts';

/** Findings as a process of its own, for being killed at any moment while many callers record. */
export interface RecordTask {
  file: string;
  /** A line `done CALLER-NUMBER` for each that was acknowledged. */
  journal: string;
  /** Names this life, so that no two record the same. */
  life: number;
  callers: number;
}

async function work({ file, journal, life, callers }: RecordTask): Promise<void> {
  const warn = (words: string) => void process.stderr.write(`${words}\n`);
  const store = openSiteStore({ file, parts: [FINDINGS_PART], warn });
  const findings = createFindings({ store, now_ms: Date.now, warn });
  const call = async (caller: number) => {
    for (let index = 0; ; index += 1) {
      const number = `${life}-${caller}-${index}`;
      const detection = exampleDetection({
        subject: `s-${String(caller).padStart(16, '0')}`,
        passed: index % 3 === 2,
        at_s: NOON_S + index,
        metadata: { number },
      });
      await findings.record([detection]);
      appendFileSync(journal, `done ${number}\n`);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
}

const text = process.env['RECORD_TASK'];
if (text !== undefined) await work(JSON.parse(text) as RecordTask);
