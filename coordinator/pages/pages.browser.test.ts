import { mkdirSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';

/** The page in a real Chromium, on the real server, by a name that is no secure origin: as in a network without TLS. */

const CHROMIUM = '/usr/bin/chromium';
const NAME = 'coordinator.example';
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
];
const IMAGES = new URL('../../docs/images/', import.meta.url).pathname;
const TAKE_SCREENSHOTS = process.env['BULKHEAD_SCREENSHOTS'] === '1';

let browser: Browser;
let lab: CoordinatorLab;

const address = (path: string) => `http://${NAME}:${lab.port}${path}`;

/** A page, and what went wrong or elsewhere while it was open. */
async function open(path: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(address('/'))) complaints.push(request.url());
  });
  await page.goto(address(path));
  return { page, complaints };
}

/** A session without the sign-in page. */
async function signedIn(path: string, options: BrowserContextOptions = {}) {
  const cookie = { name: 'bulkhead_session', value: await lab.admin(), url: address('/') };
  const { page, complaints } = await open('/sign-in', options);
  await page.context().addCookies([cookie]);
  await page.goto(address(path));
  return { page, complaints };
}

/** Goes on with the Tab key until something of that name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < 80; pressed += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(LABEL_OF_FOCUSED);
    if (name.test(String(focused))) return;
  }
  throw new Error(`nothing called ${name} can be reached by keyboard on ${page.url()}`);
}

/** What a person calls the thing that has the focus. */
const LABEL_OF_FOCUSED = `(() => {
  const element = document.activeElement;
  const label = element?.labels?.[0]?.querySelector('span')?.textContent;
  return (label ?? element?.textContent ?? '').trim();
})()`;

async function screenshot(page: Page, name: string): Promise<void> {
  if (!TAKE_SCREENSHOTS) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: `${IMAGES}coordinator-${name}.png`, fullPage: true });
}

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}, 60_000);
afterAll(async () => {
  await browser.close();
});
beforeEach(async () => {
  lab = await startLab();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

describe('the page of the coordinator in a browser', () => {
  test('by keyboard alone and without JavaScript: sign in, let in by code, order, see who did it', async () => {
    const { page, complaints } = await open(`/sign-in?code=${lab.firstSignIn?.code}`, {
      javaScriptEnabled: false,
    });
    await tabTo(page, /^Sign in with the code$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/settings/);

    const device = new Device(lab);
    const enrolled = await device.enrol({ hostname: 'bulkhead-keys', serial: '8CG1234XYZ' });
    await tabTo(page, /^Let in$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/waiting/);
    await tabTo(page, /^Code$/);
    await page.keyboard.type(String(enrolled.body['code']));
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/devices\//);
    await tabTo(page, /^Name$/);
    await page.keyboard.type('Reception');
    await tabTo(page, /^Let it in$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/done=approved/);
    expect(await page.locator('h1').textContent()).toBe('Reception');

    await tabTo(page, /^Give an order$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/order$/);
    await tabTo(page, /^Type$/);
    await page.keyboard.type('diag');
    await tabTo(page, /^Choose$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/type=diagnostic/);
    await tabTo(page, /^command$/);
    await page.keyboard.type('time');
    await tabTo(page, /^Give the order$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/done=ordered/);
    expect(await page.locator('#parameters pre').textContent()).toContain('"command": "time"');

    await tabTo(page, /^Audit log$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/audit/);
    expect(await page.locator('#entries').textContent()).toContain('order.create');
    await tabTo(page, /^Check the chain$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/check=1/);
    expect(await page.locator('#chain').textContent()).toContain('Whole: ');
    expect(complaints).toEqual([]);
  }, 60_000);

  test('a fleet, and an appliance with its history, on a desk', async () => {
    const names = ['Reception', 'Server room', 'Warehouse', 'Workshop'];
    for (const [index, name] of names.entries()) {
      const device = await approvedDevice(lab, {
        hostname: `bulkhead-1a2b3${index}`,
        serial: `8CG123${index}`,
      });
      const tags = { site: index < 2 ? 'berlin' : 'paris', ring: String(index % 2) };
      await lab.call('PATCH', `/api/v1/devices/${device.id}`, { name, tags }, await lab.admin());
      if (index !== 3) await device.heartbeat();
    }
    const again = new Device(lab);
    await again.enrol({ hostname: 'bulkhead-9f8e7d', serial: '8CG1230' });
    const { page, complaints } = await signedIn('/');
    expect(await page.locator('#appliances tbody tr').count()).toBe(4);
    await screenshot(page, 'fleet');
    await page.getByLabel('Query').fill('tag.site eq "paris"');
    await page.getByRole('button', { name: 'Find' }).click();
    expect(await page.locator('#appliances tbody tr').count()).toBe(2);
    await page.goto(address(`/devices/${again.id}`));
    expect(await page.locator('.message.bad').textContent()).toContain('with another key');
    await screenshot(page, 'conflict');
    expect(complaints).toEqual([]);
  });

  test.each(['/', '/waiting', '/orders', '/audit?check=1', '/people', '/settings'])(
    'fits a phone of 320 pixels without scrolling sideways: %s',
    async (path) => {
      await approvedDevice(lab, { hostname: 'bulkhead-with-quite-a-long-host-name-of-its-own' });
      const { page } = await signedIn(path, { viewport: { width: 320, height: 640 }, isMobile: true });
      const beyond = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(beyond).toBe(0);
    },
  );

  test('is dark where the reader likes it dark', async () => {
    const { page } = await open('/sign-in', { colorScheme: 'dark' });
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe('rgb(10, 19, 23)');
  });
});
