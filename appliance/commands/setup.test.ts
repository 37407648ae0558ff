import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, it } from 'vitest';
import { type Run, run } from '../../base/run.ts';
import { setupPaths } from '../setup/paths.ts';
import { exitCodeOf, registerSetupWith } from './setup.ts';

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

/** A machine whose `/` is a folder: the paths of the running system lie in it, and it starts no program. */
const noProgram: Run = (program) => Promise.reject(new Error(`${program} must not be started`));
const machine = (folder: string) => async () => ({
  ...{ paths: { ...setupPaths(folder), root: '' }, run: noProgram },
  ...{ now: () => new Date(1_800_000_000_000), environment: {} },
});
const below = async (root: string) => ({
  ...{ paths: setupPaths(root), run, now: () => new Date(), environment: {} },
});

const bulkhead = (...args: string[]) => bulkheadOn(below, ...args);

async function bulkheadOn(makeEffects: Parameters<typeof registerSetupWith>[2], ...args: string[]) {
  let out = '';
  let code = 0;
  const program = new Command('bulkhead').exitOverride();
  registerSetupWith(
    program,
    {
      out: (text) => {
        out += text;
      },
      err: () => undefined,
      setExitCode: (value) => {
        code = value;
      },
    },
    makeEffects,
  );
  await program.parseAsync(['setup', ...args], { from: 'user' });
  return { out, code };
}

function emptyRoot(initrd: string) {
  const root = mkdtempSync(join(tmpdir(), 'bulkhead-setup-cli-'));
  roots.push(root);
  for (const folder of ['run/bulkhead', 'etc', 'proc', 'var/lib/msp/time'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'msp:x:990:990::/:/x\nbulkhead-site:x:991:991::/:/x\n');
  writeFileSync(join(root, 'run/bulkhead/initrd.env'), initrd);
  return root;
}

it('ends with 2 and every reason when the data partition is at fault, which the other slot could not mend', async () => {
  const root = emptyRoot('data_state=missing\n');
  const { out, code } = await bulkhead('--root', root, '--json');
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({ ok: false, failures: [{ step: 'data' }] });
});

it('ends with 1 when the set-up itself failed, whatever else did', () => {
  expect(exitCodeOf({ failures: [] })).toBe(0);
  expect(exitCodeOf({ failures: [{ step: 'identity' }, { step: 'machine-id' }] })).toBe(2);
  expect(exitCodeOf({ failures: [{ step: 'identity' }, { step: '/run/systemd/network' }] })).toBe(1);
});

it('prints a dry run as JSON without doing anything', async () => {
  const root = emptyRoot('data_state=ok\n');
  const { out, code } = await bulkhead('--dry-run', '--root', root, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out).actions).toContainEqual(
    expect.objectContaining({ kind: 'folder', path: join(root, 'var/lib/msp/identity'), mode: 0o750 }),
  );
});

it('saves the time on the data partition, and refuses when that is not there', async () => {
  const root = emptyRoot('data_state=ok\n');
  const { out } = await bulkhead('clock-save', '--root', root, '--json');
  expect(JSON.parse(out).saved).toBe(true);
  expect(readFileSync(join(root, 'var/lib/msp/time/clock'), 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
  await expect(bulkhead('clock-save', '--root', emptyRoot('data_state=failed\n'))).rejects.toMatchObject({
    code: 'SETUP_DATA_MISSING',
  });
});

it('refuses to grow what is no partition', async () => {
  await expect(bulkhead('grow-data', '--device', '/dev/null')).rejects.toMatchObject({
    code: 'GROW_NO_PARTITION',
  });
});

it('changes nothing of a machine that our boot loader did not start, and shows what it would do', async () => {
  const root = emptyRoot('data_state=ok\n');
  const before = () => readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const files = before();
  for (const commandLine of [
    undefined,
    'BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n',
    'root=/dev/ab.sda1\n',
  ]) {
    if (commandLine !== undefined) {
      writeFileSync(join(root, 'proc/cmdline'), commandLine);
      files.push('proc/cmdline');
    }
    await expect(bulkheadOn(machine(root)), commandLine ?? 'no command line').rejects.toMatchObject({
      code: 'SETUP_NOT_AN_APPLIANCE',
    });
    expect(before()).toEqual([...new Set(files)].sort());
  }
  expect((await bulkheadOn(machine(root), '--dry-run')).code).toBe(0);
});

it.skipIf(process.getuid?.() !== 0)('sets up what our boot loader started', async () => {
  const root = emptyRoot('data_state=missing\n');
  writeFileSync(join(root, 'proc/cmdline'), 'ab.partition=A bulkhead.verity=x quiet\n');
  const { out } = await bulkheadOn(machine(root), '--json');
  expect(JSON.parse(out)).toMatchObject({ hostname: 'bulkhead' });
});

it('makes a device key on a machine that is no appliance, once, and leaves an appliance to its set-up', async () => {
  const root = emptyRoot('');
  const identity = (line: string) => {
    writeFileSync(join(root, 'proc/cmdline'), line);
    return bulkheadOn(machine(root), 'identity', '--json');
  };
  writeFileSync(join(root, 'etc/passwd'), 'msp:x:0:0::/:/x\nbulkhead-site:x:0:0::/:/x\n');
  expect(JSON.parse((await identity('quiet ab.partition=A\n')).out)).toEqual({
    how: 'by-setup',
    deviceId: null,
  });
  const made = JSON.parse((await identity('quiet\n')).out);
  expect(made).toMatchObject({ how: 'made', deviceId: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(JSON.parse((await identity('quiet\n')).out)).toEqual({ ...made, how: 'kept' });
});
