import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Run, run } from '../../base/run.ts';
import { compileProgram } from './compile-program.ts';

test.skipIf(process.getuid?.() !== 0)(
  'compiles without a network and leaves nothing behind but the program',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-compile-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(folder, 'main.ts'), 'console.log(Bun.version);');
    const offline: Run = (program, args, options) => run('unshare', ['--net', program, ...args], options);
    const output = join(folder, 'program');
    expect(await compileProgram(offline, join(folder, 'main.ts'), output, home)).toEqual([
      expect.stringMatching(/(^|\/)main\.ts$/),
    ]);
    expect((await run(output, [])).stdout).toBe(`${Bun.version}\n`);
    expect(readdirSync(home)).toEqual([]);
  },
);
