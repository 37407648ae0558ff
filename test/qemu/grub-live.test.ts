import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { liveLoaderModules } from '../../iso/build/boot-loader.ts';
import { makeKernel } from './grub-fakes.ts';
import {
  type GrubRunOptions,
  makeDisk,
  makeEsp,
  makeWorkplace,
  runGrub,
  type Workplace,
} from './grub-rig.ts';

/** The boot menu of the installation medium in the real GRUB: what starts where nobody touches a key. */

const MEDIUM = '0123456789abcdef';
const INSTALLED_SCRIPT = 'echo "INSTALLED SYSTEM STARTS"\nsleep 5\nreboot\n';
const script = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../iso/grub', name), 'utf8')
    .replaceAll('@MEDIUM@', MEDIUM)
    .replaceAll('@VERITY@', '11:7:22')
    .replaceAll('@VERSION@', '1.0.0');

let work: Workplace;
let loader: string;
let installed: string;
beforeAll(async () => {
  work = makeWorkplace();
  loader = work.path('BOOTX64.EFI');
  const early = work.path('early.cfg');
  writeFileSync(early, script('live-early.cfg').replace(/^\s*#.*\n/gm, ''));
  const options = ['-O', 'x86_64-efi', '-o', loader, '-p', '/bulkhead', '-c', early];
  await runOrThrow(run, 'grub-mkimage', [...options, ...liveLoaderModules()]);
  installed = await disk('installed', {
    'bulkhead/installed.env': 'x',
    'bulkhead/grub.cfg': INSTALLED_SCRIPT,
  });
});
afterAll(() => work.remove());

/** A disk with these files on its ESP. */
async function disk(name: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const esp = work.path(`${name}.esp`);
  await makeEsp(esp, loader, files);
  const path = work.path(`${name}.disk`);
  await makeDisk(path, { esp, slots: { A: undefined, B: undefined } });
  return path;
}

/** A stick as it was written, with `more` put on its FAT partition. The real one has the rest on an ISO file system. */
const stick = (more: Record<string, string> = {}) =>
  disk('stick', {
    [`bulkhead/${MEDIUM}`]: '1.0.0\n',
    'bulkhead/live.cfg': script('live.cfg'),
    'bulkhead/vmlinuz': makeKernel(),
    'bulkhead/initrd': 'live-initrd\0',
    ...more,
  });

const start = (disks: string[], options: Partial<GrubRunOptions> = {}) =>
  runGrub(work, { disks, until: / INITRD .* END|INSTALLED SYSTEM STARTS/, ...options });
const KERNEL = /KERNEL (.*) INITRD live-initrd END/;

describe('the installation medium', () => {
  test('installs after the countdown, whatever noise is on the serial line, and asks for no reinstallation', async () => {
    const noise = { when: /Press Esc for a menu/, text: ' q\r\n~e\x00c\xff\x7f\r\r' };
    for (const vendor of ['QEMU', 'HP']) {
      const extra = ['-smbios', `type=1,manufacturer=${vendor}`];
      const words = KERNEL.exec(await start([await stick()], { typed: noise, extra }))?.[1]?.split(' ');
      expect(words, vendor).toContain('systemd.unit=bulkhead-install.target');
      expect(words).toContain(`bulkhead.medium=${MEDIUM}`);
      expect(words).not.toContain('bulkhead.reinstall=1');
    }
  });

  test('shows its menu to whoever presses Esc, and waits', async () => {
    const esc = { when: /Press Esc for a menu/, text: '\x1b' };
    const said = await start([await stick()], { typed: esc, until: /Firmware settings/ });
    expect(said).toContain('Install over an appliance that does not start');
    expect(said).not.toMatch(KERNEL);
  });

  test('left in an installed machine starts what is installed', async () => {
    expect(await start([await stick(), installed])).toContain('INSTALLED SYSTEM STARTS');
  });

  test.each(['REINSTALL', 'reinstall.txt'])(
    'with a file %s beside config.yaml installs over it',
    async (name) => {
      const said = await start([await stick({ [name]: '' }), installed]);
      expect(KERNEL.exec(said)?.[1]?.split(' ')).toContain('bulkhead.reinstall=1');
    },
  );

  test('heeds no such file on the disk of the machine', async () => {
    const own = await disk('own', {
      ...{ 'bulkhead/installed.env': 'x', 'bulkhead/grub.cfg': INSTALLED_SCRIPT, REINSTALL: '' },
    });
    expect(await start([await stick(), own])).toContain('INSTALLED SYSTEM STARTS');
  });

  test('that cannot be read says so and starts nothing over', async () => {
    const broken = await disk('broken', { 'README.TXT': 'half a stick' });
    const said = await start([broken], { until: /grub>/ });
    expect(said).toContain('this installation medium cannot be read');
  });
});
