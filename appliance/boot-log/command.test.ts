import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BootLogTools, registerBootLogWith } from './command.ts';

let folder: string;
let tools: BootLogTools;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-boot-log-'));
  const at = (name: string) => join(folder, name);
  tools = {
    paths: { logs: at('logs'), records: at('logs/incoming'), pstore: at('pstore'), backend: at('backend') },
    isRoot: () => true,
  };
  writeFileSync(tools.paths.backend, 'ramoops\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function leave(number: number, slot: 'A' | 'B', ...lines: string[]): void {
  mkdirSync(tools.paths.records, { recursive: true });
  const identity = `slot=${slot} attempt=2 mode=trial id=boot-${number} version=0.0.1`;
  const text = [`<13>[    3.500000] bulkhead-initrd: boot ${identity}`, ...lines].join('\n');
  writeFileSync(join(tools.paths.records, String(number)), `Panic#1 Part1\n${text}\n`);
}

async function bulkhead(...args: string[]): Promise<string> {
  let out = '';
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
    setExitCode: () => undefined,
  };
  const program = new Command('bulkhead').exitOverride().configureOutput({ writeOut: io.out });
  registerBootLogWith(program, io, tools);
  await program.parseAsync(['boot-log', ...args], { from: 'user' });
  return out;
}

const refusal = (code: string) => expect.objectContaining({ code });

test('a person reads of each boot what it was, how it ended and its last lines', async () => {
  leave(1000, 'B', '<6>[    4.000000] one', '<0>[    9.000000] Kernel panic - not syncing: test');
  expect(await bulkhead('collect')).toBe('kept log 1: slot B, panic\n');
  const shown = await bulkhead('--lines', '2');
  const [heading, ...rest] = shown.split('\n');
  expect(heading).toMatch(/^\d{4}-.*Z: slot B, trial boot, attempt 2, version 0\.0\.1: ended in a panic$/);
  expect(rest).toEqual([
    '  (1 lines before)',
    '  [    4.000000] one',
    '  [    9.000000] Kernel panic - not syncing: test',
    '',
  ]);
  expect(await bulkhead('--lines', '0')).toContain('(3 lines before)');
});

test('a program reads every line, of one slot when it asks for one', async () => {
  leave(1000, 'A', '<0>[    9.000000] reboot: Restarting system');
  leave(1001, 'B', '<0>[    9.000000] Kernel panic - not syncing: test');
  const collected = JSON.parse(await bulkhead('collect', '--json'));
  expect(collected).toMatchObject({ records: 2, added: [{ slot: 'A' }, { slot: 'B' }] });
  const all = JSON.parse(await bulkhead('--json'));
  expect(all).toEqual({ recording: true, logs: collected.added });
  const ofB = JSON.parse(await bulkhead('--json', '--slot', 'B'));
  expect(ofB.logs).toEqual([all.logs[1]]);
  expect(ofB.logs[0]).toMatchObject({ ending: 'panic', attempt: 2, mode: 'trial' });
});

test('without a log it says so, and why the next boot will have none either', async () => {
  expect(await bulkhead()).toBe('no log of an ended boot is kept; after a power cut there is none\n');
  writeFileSync(tools.paths.backend, '(null)\n');
  expect(await bulkhead()).toContain('this boot leaves no log when it ends');
  rmSync(tools.paths.backend);
  expect(JSON.parse(await bulkhead('--json'))).toEqual({ recording: false, logs: [] });
});

test('only root collects; everyone may look', async () => {
  leave(1000, 'B');
  tools = { ...tools, isRoot: () => false };
  await expect(bulkhead('collect')).rejects.toEqual(refusal('BOOTLOG_NEEDS_ROOT'));
  expect(readdirSync(tools.paths.records)).toEqual(['1000']);
  expect(await bulkhead()).toContain('no log of an ended boot');
});

test.each([
  [['--slot', 'C'], 'SLOT_INVALID'],
  [['--lines', 'many'], 'BOOTLOG_LINES'],
  [['--lines', '-1'], 'BOOTLOG_LINES'],
])('%j is refused', async (args, code) => {
  await expect(bulkhead(...args)).rejects.toEqual(refusal(code));
});
