import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../../status-page/status.ts';
import { BUILD, readManifest } from '../fixtures/image.ts';
import { installation } from '../fixtures/installed-disk.ts';
import type { Box } from './box.ts';

const CHROMIUM = '/usr/bin/chromium';
/** No sandbox: build machines run this as root. The rest keeps the browser from asking its maker anything. */
const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** The first page of an emulated appliance takes 5 s here. */
const PAGE_TIMEOUT_MS = 60_000;
const SCREENS = join(BUILD, 'boot-screens');

/** The parts of `bulkhead slots --json` that are compared. */
interface SlotsFacts {
  bootState: { active: string; trial: string | null; attempts: number; failed: string | null };
  bootStateCondition: string;
  slot: string;
  attempt: number;
  slots: Status['slots'];
}

export function describePage(box: () => Box): void {
  describe('what the appliance says of itself', () => {
    test('it judged itself healthy at the first attempt and committed', async () => {
      const { boot, health, slots } = await box().status();
      expect(boot).toMatchObject({
        slot: 'A',
        attempt: 1,
        mode: 'normal',
        stateFile: 'ok',
        contradiction: null,
      });
      expect(health.outcome).toBe('healthy');
      const [verdict] = health.verdicts;
      expect(verdict).toMatchObject({ bootId: boot.bootId, slot: 'A', outcome: 'healthy', action: 'commit' });
      const decisive = verdict?.checks.filter((check) => check.decisive) ?? [];
      expect(decisive.length).toBeGreaterThan(5);
      // Only a trial is asked for its whole page: what is committed has answered once.
      const passed = decisive.filter(({ name }) => name !== 'status-answers' && name !== 'site-answers');
      expect(passed.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
      expect(slots.map(({ slot, state, running }) => [slot, state, running])).toEqual([
        ['A', 'active', true],
        ['B', 'empty', false],
      ]);
    });

    test('the boot state on the disk counts no attempt any more', async () => {
      const facts = JSON.parse(await box().sh('bulkhead slots --json')) as SlotsFacts;
      expect(facts).toMatchObject({ bootStateCondition: 'ok', slot: 'A', attempt: 1 });
      expect(facts.bootState).toMatchObject({ active: 'A', trial: null, attempts: 0, failed: null });
      expect(facts.slots).toEqual((await box().status()).slots);
    });

    test('the page says what kernel, disk and image say when they are asked past it', async () => {
      const status = await box().status();
      const slots = JSON.parse(await box().sh('bulkhead slots --json')) as SlotsFacts;
      expect(status.slots).toEqual(slots.slots);
      expect(status.boot).toMatchObject({ slot: slots.slot, attempt: slots.attempt });
      const image = JSON.parse(await box().sh('cat /usr/lib/bulkhead/image.json')) as { version: string };
      expect(status.version.running).toBe(image.version);
      expect(await box().sh('cat /proc/sys/kernel/random/boot_id')).toBe(status.boot.bootId);
      expect(await box().sh('uname -r')).toBe(status.version.kernel);
      expect(await box().sh('hostname')).toBe(status.identity.hostname);
      expect(status.identity.siteId).toBe(installation().siteId);
      expect(await box().sh('cat /proc/cmdline')).toContain(`ab.partition=${status.boot.slot} `);
      const { version, verity } = readManifest();
      expect(status.version).toMatchObject({ running: version, program: version });
      expect(status.slots[0]).toMatchObject({ version, rootHash: verity.root_hash });
      const total_kib = Number(/^MemTotal:\s+(\d+) kB/.exec(await box().sh('cat /proc/meminfo'))?.[1]);
      expect(status.system.memory.total_bytes).toBe(total_kib * 1024);
      const [size, source] = (await box().sh('findmnt -bnro SIZE,SOURCE -M /var/lib/msp')).split(' ');
      expect(source).toMatch(/^\/dev\/vda4$/);
      expect(status.system.dataDisk).toMatchObject({ total_bytes: Number(size), readOnly: false });
      const addresses = await box().sh("ip -o address show scope global | awk '{print $4}'");
      const shown = status.network.interfaces.flatMap((each) => each.addresses);
      for (const address of addresses.split('\n')) expect(shown).toContain(address);
    });

    test('every service that the page shows is in the state that systemd says', async () => {
      const { services } = await box().statusWhere((status) =>
        status.services.every(({ state }) => state !== 'starting' && state !== 'stopped'),
      );
      for (const { unit, state } of services) {
        const active = await box().sh(`systemctl show -P ActiveState -P SubState ${unit} | paste -sd ' '`);
        expect(`${unit} ${active}`).toBe(`${unit} active ${state === 'done' ? 'exited' : 'running'}`);
      }
    });

    test('a browser shows the same, without a complaint and without asking anyone else', async () => {
      const status = await box().status();
      const { complaints, outside, text, title, headline } = await visit(box());
      expect(headline).toBe('Healthy');
      expect(title).toBe(`Healthy · ${status.identity.hostname}`);
      expect(complaints).toEqual([]);
      expect(outside).toEqual([]);
      for (const fact of [
        status.identity.hostname,
        installation().siteId,
        status.version.running,
        status.version.kernel,
        '1 of 3',
        'all decisive checks passed',
        '10.0.2.15',
        ...status.services.map(({ unit }) => unit.replace(/\.service$/, '')),
      ])
        expect(text).toContain(fact);
    });

    test('the screen shows state and address to whoever stands before it', async () => {
      const { identity } = await box().status();
      mkdirSync(SCREENS, { recursive: true });
      await box().machine.screenshot(join(SCREENS, 'tty1.png'));
      const screen = await box().sh(
        'tr -cd "\\n -~" </dev/vcs1 | fold -w "$(stty -F /dev/tty1 size | cut -d" " -f2)"',
      );
      for (const fact of ['http://10.0.2.15/', identity.hostname, 'healthy', 'A (normal, attempt 1 of 3)'])
        expect(screen).toContain(fact);
      expect(screen).not.toContain('login:');
    });
  });
}

async function visit(box: Box) {
  const address = box.machine.http(80).url('/');
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  const outside: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(address)) outside.push(request.url());
  });
  await page.goto(address, { waitUntil: 'load', timeout: PAGE_TIMEOUT_MS });
  const connection = page.locator('#connection');
  // biome-ignore lint/performance/useDomNodeTextContent: hidden text must not count here
  await expect.poll(() => connection.innerText(), { timeout: PAGE_TIMEOUT_MS }).toContain('Live');
  mkdirSync(SCREENS, { recursive: true });
  await page.screenshot({ path: join(SCREENS, 'page.png'), fullPage: true });
  return {
    complaints,
    outside,
    // biome-ignore lint/performance/useDomNodeTextContent: hidden text must not count here
    text: await page.locator('body').innerText(),
    title: await page.title(),
    headline: await page.locator('h1').textContent(),
  };
}
