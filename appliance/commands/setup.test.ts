import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { exitCodeOf, registerSetup } from './setup.ts';

async function bulkhead(...args: string[]) {
  let out = '';
  let code = 0;
  const program = new Command('bulkhead').exitOverride();
  registerSetup(program, {
    out: (text) => {
      out += text;
    },
    err: () => undefined,
    setExitCode: (value) => {
      code = value;
    },
  });
  await program.parseAsync(['setup', ...args], { from: 'user' });
  return { out, code };
}

function emptyRoot(initrd: string) {
  const root = mkdtempSync(join(tmpdir(), 'bulkhead-setup-cli-'));
  for (const folder of ['run/bulkhead', 'etc', 'var/lib/msp/time'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'msp:x:990:990::/:/x\n');
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
