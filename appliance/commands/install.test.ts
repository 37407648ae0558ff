import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { attachDisk, EIGHT_GB, type Lab, type LoopDisk, makeLab } from '../../iso/installer/loop-lab.ts';
import { registerInstall } from './install.ts';
import { readInstallWishes } from './install-config.ts';

const TIMEOUT_MS = 60_000;
let lab: Lab;
let disk: LoopDisk;
beforeAll(async () => {
  lab = await makeLab(4 * 1024 * 1024);
  disk = await attachDisk(join(lab.folder, 'disk'), EIGHT_GB);
});
afterAll(async () => {
  await disk.detach();
  lab.remove();
});

async function bulkhead(...args: string[]): Promise<{ out: string; code: number; error: unknown }> {
  const result = { out: '', code: 0, error: undefined as unknown };
  const program = new Command('bulkhead').exitOverride().configureOutput({
    writeOut: (text) => {
      result.out += text;
    },
    writeErr: () => undefined,
  });
  registerInstall(program, {
    out: (text) => {
      result.out += text;
    },
    err: () => undefined,
    setExitCode: (code) => {
      result.code = code;
    },
  });
  try {
    await program.parseAsync(['install', ...args], { from: 'user' });
  } catch (error) {
    result.error = error;
  }
  return result;
}

const files = () => ['--image', lab.image, '--boot-files', lab.bootFiles];
const untouched = async () => (await runOrThrow(run, 'du', ['--block-size=1', disk.file])).startsWith('0\t');

describe('bulkhead install', () => {
  it('writes nothing without --yes, and says so', async () => {
    const { error } = await bulkhead('--target', disk.path, ...files());
    expect(error).toMatchObject({ code: 'INSTALL_USAGE', hint: expect.stringContaining('--yes') });
    expect(await bulkhead('--yes')).toMatchObject({ error: { code: 'INSTALL_USAGE' } });
    expect(await bulkhead('--auto', '--hardware', 'all')).toMatchObject({ error: { code: 'INSTALL_USAGE' } });
    expect(await untouched()).toBe(true);
  });

  it('shows the plan with --dry-run and writes nothing', async () => {
    const { out, code } = await bulkhead('--target', disk.path, ...files(), '--dry-run');
    expect(code).toBe(0);
    expect(out).toContain(`bulkhead-install: erase     ${disk.path}  8.0 GB`);
    expect(out).toContain('bulkhead-install:   4  MSP-DATA     1.8 GiB');
    expect(await untouched()).toBe(true);
  });

  it('refuses an --auto outside the installation medium, in plain lines and with exit status 1', async () => {
    const { out, code } = await bulkhead('--auto', ...files());
    expect(code).toBe(1);
    expect(out).toContain('bulkhead-install: failed INSTALL_NOT_LIVE in step look');
  });

  it('refuses a configuration that the appliance would refuse, with its lines, before anything is written', async () => {
    const config = join(lab.folder, 'config.yaml');
    writeFileSync(config, 'site_id: a\nssh:\n  authorised_keys: []\n');
    const { out, code } = await bulkhead('--target', disk.path, ...files(), '--config', config, '--yes');
    expect(code).toBe(1);
    expect(out).toContain('failed INSTALL_CONFIG_INVALID');
    expect(out).toMatch(/config.yaml:3: ssh.authorised_keys: unknown key; did you mean/);
    expect(await untouched()).toBe(true);
  });

  it(
    'installs, and prints each event as a line of JSON with --json',
    async () => {
      const config = join(lab.folder, 'good.yaml');
      writeFileSync(config, 'site_id: clinic-7\n');
      const { out, code, error } = await bulkhead(
        ...['--target', disk.path, ...files(), '--config', config, '--yes', '--json'],
      );
      expect(error).toBeUndefined();
      const events = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string });
      expect(events.at(-1)).toMatchObject({ event: 'finished', target: disk.path });
      expect(code).toBe(0);
      const text = await runOrThrow(run, 'debugfs', ['-R', 'cat /config.yaml', `${disk.path}p4`]);
      expect(text).toBe('site_id: clinic-7\n');
    },
    TIMEOUT_MS,
  );

  it('explains itself with an example', async () => {
    const { out } = await bulkhead('--help');
    expect(out).toContain('bulkhead install --target /dev/sdb --image slot.img --boot-files boot --dry-run');
  });
});

describe('what a configuration says about the installation', () => {
  it('is taken from its install section, and safe where it says nothing', () => {
    expect(readInstallWishes('site_id: a\n', 'x')).toEqual({
      target: null,
      hardware: 'listed',
      reinstall: false,
      keepIdentity: false,
    });
    const text = 'install: {target: /dev/mmcblk0, hardware: any, reinstall: true, keep_identity: true}\n';
    expect(readInstallWishes(text, 'x')).toEqual({
      target: '/dev/mmcblk0',
      hardware: 'any',
      reinstall: true,
      keepIdentity: true,
    });
  });
});

it('the work folder is left without a configuration in it', () => {
  expect(existsSync('/run/bulkhead-install/data')).toBe(false);
});
