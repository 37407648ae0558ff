import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { GateResult } from '../../health-gate/gate.ts';
import { verdictOf } from '../../health-gate/lab/machine.ts';
import { heard } from '../../test/unit/heard.ts';
import { exitCode, registerHealthGate } from './health-gate.ts';

async function bulkhead(...words: string[]) {
  return heard((io) => {
    const program = new Command('bulkhead').exitOverride();
    program.configureOutput({ writeOut: io.out, writeErr: io.err });
    registerHealthGate(program, io);
    return program.parseAsync(['health-gate', ...words], { from: 'user' });
  });
}

describe('bulkhead health-gate', () => {
  test('neither judges nor reboots a machine that is no appliance', async () => {
    for (const option of ['--verify', '--observe']) {
      await expect(bulkhead(option)).rejects.toMatchObject({ code: 'GATE_NOT_AN_APPLIANCE' });
    }
  });

  test('refuses to look and to act at once', async () => {
    await expect(bulkhead('--verify', '--observe')).rejects.toMatchObject({ code: 'GATE_OPTIONS' });
  });

  test('says so when this boot was not judged yet', async () => {
    await expect(bulkhead()).rejects.toMatchObject({ code: 'GATE_NO_VERDICT' });
  });

  test('lists the history for people and, with --json behind it, for programs', async () => {
    expect((await bulkhead('history')).out).toMatch(/^AT +SLOT .*\nno verdict has been recorded\n$/);
    expect(JSON.parse((await bulkhead('history', '--json')).out)).toEqual({ verdicts: [], damagedLines: 0 });
  });

  test('refuses a limit that is none', async () => {
    for (const limit of ['0', '-3', 'all', '1.5']) {
      await expect(bulkhead('history', '--limit', limit)).rejects.toMatchObject({ code: 'GATE_OPTIONS' });
    }
  });

  test('has no option that would make it pass or fail', async () => {
    const help = await bulkhead('--help').catch(() => undefined);
    expect(help).toBeUndefined();
    const program = new Command('bulkhead');
    registerHealthGate(program, { out: () => undefined, err: () => undefined, setExitCode: () => undefined });
    const [gate] = program.commands;
    expect(gate?.options.map((option) => option.long)).toEqual(['--verify', '--observe', '--json']);
    expect(gate?.helpInformation()).toMatch(/judge this boot/);
  });
});

test('the exit status is 0 only where nothing has to be started again', () => {
  const verdict = verdictOf(1);
  const results: [GateResult['verdict'], boolean, number][] = [
    [verdict, true, 0],
    [verdict, false, 1],
    [{ ...verdict, action: 'none' }, false, 0],
    [{ ...verdict, outcome: 'unhealthy', action: 'none' }, false, 1],
    [{ ...verdict, outcome: 'unhealthy', action: 'stay' }, false, 0],
    [{ ...verdict, outcome: 'unhealthy', action: 'reboot' }, false, 1],
  ];
  for (const [verdict, committed, code] of results) {
    expect(exitCode({ verdict, committed, warnings: [] }), verdict.action).toBe(code);
  }
});

test('a gate that is stopped while it judges ends without failing its unit', async () => {
  const script = `import { endQuietlyWhenStopped } from '${import.meta.dirname}/health-gate.ts';
    endQuietlyWhenStopped();
    console.log('judging');
    setTimeout(() => process.exit(7), 20_000);`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  await child.stdout.getReader().read();
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
});
