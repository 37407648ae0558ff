import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { healthyStatus } from '../example-status.ts';
import { type StatusServer, serveStatusPage } from '../serve.ts';
import { createStatusApp } from '../status-app.ts';
import { testSource } from '../test-source.ts';
import { exampleSite } from './example-site.ts';
import type { SiteReport } from './report.ts';
import type { SiteAdmission } from './source.ts';

/** The page of the site and its form in a real Chromium, served by the real server over a real socket. */

const CHROMIUM = '/usr/bin/chromium';
/** A name as people use it on their network: a browser does not trust it as it trusts the loopback address. */
const NAME = 'appliance.test';
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
];
const PHONE = { width: 320, height: 640 };
const DESK = { width: 1280, height: 800 };
const IMAGES = new URL('../../docs/images/', import.meta.url).pathname;
const CODE = '123456';

let browser: Browser;
let server: StatusServer;
let report: SiteReport;
const admitted: SiteAdmission[] = [];

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

/** The page at a name, with what the browser complained about. */
async function open(host: string, options: BrowserContextOptions = {}) {
  report = exampleSite();
  admitted.length = 0;
  const site = {
    report: async () => structuredClone(report),
    admit: async (admission: SiteAdmission) => {
      if (admission.console_code !== CODE)
        throw new BulkheadError('SENSOR_CONSOLE_CODE', 'that is not the code on the console', {
          hint: 'the six digits are on the screen of the appliance',
        });
      admitted.push(admission);
      for (const each of report.waiting) if (each.fingerprint === admission.fingerprint) each.approved = true;
    },
  };
  server = serveStatusPage(createStatusApp({ source: testSource(healthyStatus()), site }), {
    ...{ port: 0, hostname: '127.0.0.1' },
  });
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`http://${host}:${server.port}/site`, { waitUntil: 'load' });
  return { page, complaints, context };
}

async function screenshot(page: Page, name: string, fullPage: boolean): Promise<void> {
  if (process.env['BULKHEAD_SCREENSHOTS'] === '1')
    await page.screenshot({ path: `${IMAGES}${name}.png`, fullPage });
}

/** What a person can read there; hidden text does not count. */
function visible(page: Page, selector: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: hidden text must not count here
  return page.locator(selector).first().innerText();
}

test.each([
  ['the loopback address, which says where a form comes from by fetch metadata', '127.0.0.1', true],
  ['a name of the network, which says it by the origin alone', NAME, true],
  ['a name of the network without JavaScript', NAME, false],
])('one is let in by keyboard alone at %s', async (_, host, javaScriptEnabled) => {
  const { page } = await open(host, { javaScriptEnabled });
  await page.locator('#waiting select').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.type('654 321');
  await page.keyboard.press('Enter');
  await expect.poll(() => visible(page, '[role=alert]')).toContain('that is not the code on the console');
  expect(await visible(page, '[role=alert]')).toContain('on the screen of the appliance');
  expect(await page.content()).not.toMatch(/654 ?321/);
  expect(await page.locator('#waiting select').first().inputValue()).toBe('self_heal');
  // What has to be typed again has the focus already.
  expect(await page.locator(':focus').getAttribute('name')).toBe('console_code');
  await page.keyboard.type(CODE);
  await page.keyboard.press('Tab');
  expect(await visible(page, ':focus')).toBe('Let 1a2b3c4d in');
  await page.keyboard.press('Enter');
  await expect.poll(() => visible(page, '#waiting')).toContain('let in at its next try');
  expect(new URL(page.url()).pathname).toBe('/site');
  expect(admitted).toEqual([{ fingerprint: '1a2b3c4d', tier: 'self_heal', console_code: CODE }]);
});

test('a page of somebody else cannot send the form', async () => {
  const { page, context } = await open(NAME);
  const elsewhere = Bun.serve({
    ...{ port: 0, hostname: '127.0.0.1' },
    fetch: () =>
      new Response(
        `<form method="post" action="http://${NAME}:${server.port}/site/admit"><input name="fingerprint" value="1a2b3c4d">` +
          `<input name="tier" value="self_heal"><input name="console_code" value="${CODE}"><button>x</button></form>`,
        { headers: { 'content-type': 'text/html' } },
      ),
  });
  const theirs = await context.newPage();
  await theirs.goto(`http://127.0.0.1:${elsewhere.port}/`);
  await theirs.locator('button').click();
  await expect.poll(() => visible(theirs, 'main')).toContain('STATUS_FORM_ORIGIN');
  expect(admitted).toEqual([]);
  await elsewhere.stop(true);
  await screenshot(page, 'site-page', true);
});

test('fits a phone of 320 pixels without scrolling sideways, and gives no cause for complaint', async () => {
  const { page, complaints } = await open('127.0.0.1', {
    viewport: PHONE,
    deviceScaleFactor: 2,
    isMobile: true,
    colorScheme: 'dark',
  });
  expect(
    await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
  ).toBe(0);
  const heights = await page.locator('.admit button, .admit input:not([type=hidden]), .admit select').all();
  for (const each of heights) expect((await each.boundingBox())?.height ?? 0).toBeGreaterThanOrEqual(44);
  expect(complaints).toEqual([]);
  await screenshot(page, 'site-page-phone', false);
});

test('is dark where the reader likes it dark, and can be found from the status page', async () => {
  const { page } = await open(NAME, { colorScheme: 'dark' });
  const ground = await page.evaluate(
    'getComputedStyle(document.querySelector(".admit input")).backgroundColor',
  );
  const channels = (String(ground).match(/\d+/g) ?? []).slice(0, 3).map(Number);
  expect(Math.max(...channels)).toBeLessThan(80);
  await screenshot(page, 'site-page-dark', true);
  await page.goto(`http://${NAME}:${server.port}/`);
  await page.locator('#site a').click();
  await expect.poll(() => page.title()).toContain('site of');
});
