import { mkdirSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  downloadingStatus,
  healthyStatus,
  rescueStatus,
  rolledBackStatus,
  trialStatus,
  unhealthyStatus,
} from './example-status.ts';
import { type StatusServer, serveStatusPage } from './serve.ts';
import type { Status } from './status.ts';
import { createStatusApp } from './status-app.ts';
import { type TestSource, testSource } from './test-source.ts';

/** The page in a real Chromium, served by the real server over a real socket. */

const CHROMIUM = '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PHONE = { width: 320, height: 640 };
const DESK = { width: 1280, height: 800 };
const IMAGES = new URL('../docs/images/', import.meta.url).pathname;
const TAKE_SCREENSHOTS = process.env['BULKHEAD_SCREENSHOTS'] === '1';

let browser: Browser;
let server: StatusServer;
let source: TestSource;

/** What went wrong or where it should not go while a page was open. */
interface Watched {
  page: Page;
  complaints: string[];
  outside: string[];
}

async function open(options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const watched: Watched = { page, complaints: [], outside: [] };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') watched.complaints.push(message.text());
  });
  page.on('pageerror', (error) => watched.complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(address())) watched.outside.push(request.url());
  });
  await page.goto(address(), { waitUntil: 'load' });
  return watched;
}

const address = () => `http://127.0.0.1:${server.port}/`;

function serve(status: Status, port = 0): void {
  source = testSource(status);
  server = serveStatusPage(createStatusApp({ source, events: { interval_min_ms: 50, heartbeat_ms: 1000 } }), {
    port,
    hostname: '127.0.0.1',
  });
}

async function screenshot(page: Page, name: string, fullPage = true): Promise<void> {
  if (!TAKE_SCREENSHOTS) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${IMAGES}status-page-${name}.png`, fullPage });
}

/** What a person can read there; hidden text does not count. */
function visible(page: Page, selector: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: hidden text must not count here
  return page.locator(selector).innerText();
}

const sidewaysScroll = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = (globalThis as unknown as BrowserWindow).document.documentElement;
    return scrollWidth - clientWidth;
  });

/** The little of a browser's window that is used here; this project compiles without the DOM's types. */
interface BrowserWindow {
  document: { documentElement: { scrollWidth: number; clientWidth: number }; body: object };
  getComputedStyle(element: object): { backgroundColor: string; color: string };
}

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}, 60_000);
afterAll(async () => {
  await browser.close();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await server.stop();
});

describe('the status page in a browser', () => {
  test('shows a healthy appliance without a complaint in the console and without asking anyone else', async () => {
    serve(healthyStatus());
    const { page, complaints, outside } = await open();
    expect(await page.locator('h1').textContent()).toBe('Healthy');
    expect(await page.title()).toBe('Healthy · msp-7b2e90a1');
    await expect.poll(() => visible(page, '#connection')).toContain('Live');
    expect(complaints).toEqual([]);
    expect(outside).toEqual([]);
    await screenshot(page, 'healthy');
  });

  test('changes the verdict in place when the appliance changes, and keeps open what a person opened', async () => {
    serve(healthyStatus());
    const { page, complaints } = await open();
    await page.locator('#verdicts summary').first().click();
    await page.evaluate(() => Object.assign(globalThis, { untouched: true }));
    source.push(unhealthyStatus());
    await expect.poll(() => page.locator('h1').textContent()).toBe('Unhealthy');
    expect(await page.title()).toBe('Unhealthy · msp-7b2e90a1');
    expect(await page.locator('#verdict-reason').textContent()).toContain('did not answer on port 80');
    expect(await page.evaluate(() => 'untouched' in globalThis)).toBe(true);
    const opened = page.locator('#verdicts details[open]');
    expect(await opened.count()).toBe(1);
    expect(await visible(page, '#verdicts details[open]')).toContain('All 8 decisive checks passed.');
    expect(complaints).toEqual([]);
  });

  test('says that its facts are old when the appliance falls silent, and recovers by itself', async () => {
    serve(healthyStatus());
    const { page } = await open();
    await expect.poll(() => visible(page, '#connection')).toContain('Live');
    const { port } = server;
    await server.stop();
    await expect.poll(() => visible(page, '#connection')).toContain('No connection');
    expect(await page.title()).toContain('No connection');
    serve(unhealthyStatus(), port);
    await expect.poll(() => page.locator('h1').textContent(), { timeout: 15_000 }).toBe('Unhealthy');
    expect(await visible(page, '#connection')).toContain('Live');
  }, 30_000);

  test('says so when the agent can no longer tell, and shows the status again afterwards', async () => {
    serve(healthyStatus());
    const { page } = await open();
    source.answer = new Error('disk on fire');
    await expect.poll(() => page.locator('h1').textContent(), { timeout: 5_000 }).toBe('Unknown');
    expect(await visible(page, 'main')).toContain('STATUS_SOURCE_FAILED');
    expect(await page.content()).not.toContain('disk on fire');
    source.push(healthyStatus());
    await expect.poll(() => page.locator('h1').textContent(), { timeout: 5_000 }).toBe('Healthy');
  });

  test('is complete without JavaScript, checks of a verdict included', async () => {
    serve(rescueStatus());
    const { page, complaints } = await open({ javaScriptEnabled: false });
    expect(await page.locator('h1').textContent()).toBe('Rescue');
    await page.locator('#verdicts summary').first().click();
    const text = await visible(page, 'main');
    for (const expected of [
      'bad superblock',
      '8CG1234XYZ',
      'holds no image',
      'not loaded',
      '88 °C',
      'Reload',
    ]) {
      expect(expected === 'Reload' ? await visible(page, 'header') : text).toContain(expected);
    }
    expect(complaints).toEqual([]);
  });

  test('moves the bar of a running update in place, and tells its end without a reload', async () => {
    serve(downloadingStatus());
    const { page, complaints } = await open();
    const bar = page.locator('#updates progress');
    expect(await bar.getAttribute('value')).toBe('0.400');
    await bar.evaluate((element) => Object.assign(element, { untouched: true }));
    const further = downloadingStatus();
    if (further.update.progress) further.update.progress.done_bytes *= 2;
    source.push(further);
    await expect.poll(() => bar.getAttribute('value')).toBe('0.800');
    expect(await bar.evaluate((element) => 'untouched' in element)).toBe(true);
    expect(await visible(page, '#updates')).toContain('80');
    source.push(rolledBackStatus());
    await expect.poll(() => bar.count()).toBe(0);
    expect(await visible(page, '#updates')).toContain('rolled back');
    expect(complaints).toEqual([]);
  });

  test('unfolds the console of a trial that failed, without JavaScript and with every character of it', async () => {
    const status = rolledBackStatus();
    const hostile = '</pre><img src=x onerror="document.title = 1"> <IRQ>';
    status.update.history[0]?.consoleTail.push(hostile);
    serve(status);
    const { page, complaints } = await open({ javaScriptEnabled: false });
    expect(await visible(page, '#updates')).not.toContain('Kernel panic');
    await page.locator('#updates .console summary').click();
    const text = await visible(page, '#updates .console pre');
    expect(text).toContain('Kernel panic - not syncing');
    expect(text).toContain(hostile);
    expect(complaints).toEqual([]);
  });

  test.each([
    ['healthy', healthyStatus],
    ['trial', trialStatus],
    ['rescue', rescueStatus],
    ['downloading', downloadingStatus],
    ['rolled back', rolledBackStatus],
    ['unhealthy', unhealthyStatus],
  ] as const)(
    'fits a phone of 320 pixels without scrolling sideways or breaking its one word: %s',
    async (name, status) => {
      serve(status());
      const { page } = await open({ viewport: PHONE, deviceScaleFactor: 2, isMobile: true });
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await sidewaysScroll(page)).toBe(0);
      const lines = `(() => { const range = document.createRange(); range.selectNodeContents(document.querySelector('h1')); return range.getClientRects().length; })()`;
      expect(await page.evaluate(lines), 'lines of the headline').toBe(1);
      if (name === 'healthy') {
        await page.reload();
        await page.evaluate('scrollTo(0, 0)');
        await screenshot(page, 'phone', false);
      }
    },
  );

  test('is dark where the reader likes it dark', async () => {
    serve(trialStatus());
    const { page } = await open({ colorScheme: 'dark' });
    const [ground, ink] = await page.evaluate(() => {
      const window = globalThis as unknown as BrowserWindow;
      const { backgroundColor, color } = window.getComputedStyle(window.document.body);
      return [backgroundColor, color];
    });
    expect(brightness(ground)).toBeLessThan(40);
    expect(brightness(ink)).toBeGreaterThan(200);
    await page.locator('#verdicts summary').first().click();
    await screenshot(page, 'dark');
  });

  test('can be used by keyboard alone', async () => {
    serve(healthyStatus());
    const { page } = await open();
    await page.keyboard.press('Tab');
    expect(await visible(page, ':focus')).toBe('Skip to the status');
    await page.locator('#verdicts summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('#verdicts details').first().getAttribute('open')).not.toBeNull();
  });

  test('shows an appliance in need from across the room', async () => {
    serve(rescueStatus());
    const { page } = await open();
    expect((await page.locator('h1').boundingBox())?.height ?? 0).toBeGreaterThan(70);
    await page.locator('#verdicts summary').first().click();
    await screenshot(page, 'unhealthy');
  });
});

/** Mean of the three channels of `rgb(r, g, b)`, 0 to 255. */
function brightness(colour: string | undefined): number {
  const channels = (colour?.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  return channels.reduce((sum, channel) => sum + channel, 0) / 3;
}
