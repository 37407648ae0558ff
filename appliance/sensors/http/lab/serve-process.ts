import { createInterface } from 'node:readline';
import type { HealCommand } from '../../commands/commands.ts';
import { startHttpLab } from './http-lab.ts';

/**
 * The sensor lab as a process of its own, for a network of its own. A line of JSON on its standard input is a wish, one on its standard
 * output the answer; the first says where it listens.
 */
export interface LabWish {
  /** For the sensor that registered last. */
  give?: HealCommand;
  approve?: string;
}

async function serve(folder: string): Promise<void> {
  const lab = startHttpLab({ folder });
  const answer = (facts: object) => void process.stdout.write(`${JSON.stringify(facts)}\n`);
  answer({ url: lab.url, code: await lab.makeCode() });
  for await (const line of createInterface({ input: process.stdin })) {
    const { give, approve } = JSON.parse(line) as LabWish;
    const sensor = lab.registry.list().at(-1);
    if (give !== undefined && sensor !== undefined) lab.commands.give(sensor.id, give);
    if (approve !== undefined)
      await lab.admission.approve({ fingerprint: approve, by: 'operator', tier: 'self_heal' });
    answer({
      ...{ sensors: lab.registry.list(), results: lab.results, faults: lab.faults },
      ...{
        findings: lab.findings.find({}),
        events: lab.findings.events({}),
        checks: lab.findings.checks({}),
      },
    });
  }
  await lab.stop();
}

const folder = process.env['LAB_FOLDER'];
if (folder !== undefined) await serve(folder);
