import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, expect, it } from 'vitest';
import { heard } from '../../test/unit/heard.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { registerConfig } from './config.ts';

let folder = '';
beforeEach(() => {
  folder = makeFolder('cli');
});

async function bulkhead(...args: string[]) {
  const { out, code } = await heard((io) => {
    const program = new Command('bulkhead').exitOverride();
    registerConfig(program, io);
    return program.parseAsync(['config', ...args], { from: 'user' });
  });
  return { out, code };
}

it('check ends with 0 for a file the installer would take and with 1 and the line for another', async () => {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, 'site_id: x\ninstall: {target: /dev/sda}\n');
  expect(await bulkhead('check', file)).toEqual({ out: `${file}: valid, sets 2 keys\n`, code: 0 });
  writeFileSync(file, 'site_id: x\ninstall: {target: /dev/sda1}\n');
  const wrong = await bulkhead('check', file, '--json');
  expect(wrong.code).toBe(1);
  expect(JSON.parse(wrong.out)).toMatchObject({ ok: false, problems: [{ line: 2, key: 'install.target' }] });
  await expect(bulkhead('check', join(folder, 'none'))).rejects.toMatchObject({
    code: 'CONFIG_FILE_MISSING',
  });
});

it('set, get, show and unset agree with each other', async () => {
  const at = ['--device-file', join(folder, 'config.yaml')];
  await bulkhead('set', 'time.zone', 'Europe/Berlin', ...at);
  expect((await bulkhead('get', 'time.zone', ...at)).out).toBe('Europe/Berlin\n');
  const shown = JSON.parse((await bulkhead('--json', ...at)).out);
  expect(shown.keys).toContainEqual({
    key: 'time.zone',
    value: 'Europe/Berlin',
    origin: { layer: 'device', source: at[1], line: 2 },
  });
  await bulkhead('unset', 'time.zone', ...at);
  expect((await bulkhead('get', 'time.zone', '--json', ...at)).out).toContain('"built-in"');
  await expect(bulkhead('get', 'time.zon', ...at)).rejects.toMatchObject({ code: 'CONFIG_KEY_UNKNOWN' });
  expect(readFileSync(at[1] ?? '', 'utf8')).not.toContain('Berlin');
});
