import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Run, run } from '../../../base/run.ts';
import { exampleFingerprint } from '../../../protocol/messages/example-fingerprint.ts';
import { ORDER_TYPES } from '../../../protocol/orders/order-types.ts';
import { type FactTree, makeFactTree } from '../../facts/fact-tree.ts';
import { makeEntry, OpenOutbox } from '../lab/order-lab.ts';
import { doJob } from './do-job.ts';
import { QUESTIONS } from './questions.ts';

let tree: FactTree;
let ran: string[][];
beforeEach(() => {
  tree = makeFactTree();
  ran = [];
});
afterEach(() => tree.remove());

const noted: Run = async (program, args) => {
  ran.push([program, ...args]);
  return { code: 0, stdout: 'one\ntwo\n', stderr: '' };
};
const doIt = (
  type: 'view_logs' | 'diagnostic' | 'force_checkin',
  parameters: Record<string, unknown>,
  by = noted,
) =>
  doJob(
    makeEntry(type, { parameters }),
    type,
    new OpenOutbox(),
    {
      ...{ facts: tree.context.paths, run: by, now: tree.context.now, uptime_s: () => 1 },
      coordinatorUrl: new URL('https://localhost:8443/'),
      probe: async () => ({ reachable: false, failingStage: 'tcp' }),
      fingerprint: { current: async () => exampleFingerprint() },
      site: () => Promise.reject(new Error('nobody asks it')),
      fetchRules: () => Promise.reject(new Error('nobody asks for them')),
    },
    new Map(),
  );

describe('the log of the appliance', () => {
  test('is that of a unit and a time, bounded in lines', async () => {
    const unit = 'compliance-agent.service';
    expect(await doIt('view_logs', { unit, since_s: 3600, lines_max: 100 })).toEqual({
      facts: { lines: 2 },
      log: 'one\ntwo\n',
    });
    expect(ran).toEqual([
      [
        ...['journalctl', '--no-pager', '--quiet', '--utc', '--output=short-iso'],
        ...['--since=-3600s', '--lines=100', `--unit=${unit}`],
      ],
    ]);
  });

  test('that cannot be read is a failure with the words of the program', async () => {
    const failing: Run = async () => ({ code: 1, stdout: '', stderr: 'no journal files were found' });
    await expect(doIt('view_logs', { since_s: 1, lines_max: 1 }, failing)).rejects.toThrow(
      /no journal files/,
    );
  });

  test('has all of its arguments from journalctl itself', async () => {
    const { stdout } = await run('journalctl', ['--help']);
    for (const option of [
      '--no-pager',
      '--quiet',
      '--utc',
      '--output',
      '--since',
      '--lines',
      '--unit',
      '--dmesg',
      '--boot',
    ])
      expect(stdout).toContain(option);
  });
});

describe('a question', () => {
  test('is there for each that an order may ask, and for no other', async () => {
    const { properties } = ORDER_TYPES.diagnostic.parameters as unknown as {
      properties: { command: { anyOf: { const: string }[] } };
    };
    const names = properties.command.anyOf.map((one) => one.const);
    expect(Object.keys(QUESTIONS).sort()).toEqual([...names].sort());
    await expect(doIt('diagnostic', { command: 'constructor' })).rejects.toEqual(
      expect.objectContaining({ code: 'ORDER_QUESTION_UNKNOWN' }),
    );
  });

  test.each(['addresses', 'routes', 'disks', 'memory', 'time', 'firewall', 'slots', 'reach_coordinator'])(
    "'%s' is answered by this machine",
    async (command) => {
      tree.write('proc/meminfo', 'MemTotal: 1 kB\n');
      const { log } = await doIt('diagnostic', { command }, run);
      expect(log).not.toBe('');
    },
  );

  test('about a name is asked of the resolver; without a name about the coordinator', async () => {
    expect((await doIt('diagnostic', { command: 'resolve', argument: '192.0.2.7' })).log).toBe(
      '192.0.2.7\n192.0.2.7',
    );
    expect((await doIt('diagnostic', { command: 'resolve' })).log).toMatch(/^localhost\n(127\.|::1)/);
    await expect(doIt('diagnostic', { command: 'resolve', argument: 'nowhere.invalid' })).rejects.toEqual(
      expect.objectContaining({ code: 'ORDER_NAME_UNKNOWN' }),
    );
  });

  test('starts a program with its own arguments and never what the order brings', async () => {
    for (const command of Object.keys(QUESTIONS))
      if (command !== 'resolve') await doIt('diagnostic', { command, argument: 'x;reboot' });
    expect(ran.length).toBeGreaterThan(5);
    expect(JSON.stringify(ran)).not.toContain('x;reboot');
    expect(ran.map(([program]) => program)).not.toContain('sh');
  });
});
