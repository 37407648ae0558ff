import { mkdirSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { CoordinatorLab } from './coordinator-lab.ts';

const CHROMIUM = '/usr/bin/chromium';
/** No secure origin: as in a network without TLS. */
const NAME = 'coordinator.example';
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
];
const IMAGES = new URL('../../docs/images/', import.meta.url).pathname;
const TAKE_SCREENSHOTS = process.env['BULKHEAD_SCREENSHOTS'] === '1';
const TABS_MAX = 120;

/** A page, and what went wrong or elsewhere while it was open. */
export interface Watched {
  page: Page;
  complaints: string[];
}

/** A real Chromium for the tests of one file, on a coordinator of theirs. */
export function openChromium(labOf: () => CoordinatorLab) {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  const address = (path: string) => `http://${NAME}:${labOf().port}${path}`;

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Watched> {
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
  async function signedIn(path: string, options: BrowserContextOptions = {}): Promise<Watched> {
    const cookie = { name: 'bulkhead_session', value: await labOf().admin(), url: address('/') };
    const watched = await open('/sign-in', options);
    await watched.page.context().addCookies([cookie]);
    await watched.page.goto(address(path));
    return watched;
  }
  return { address, open, signedIn };
}

/** Goes on with the Tab key until something of that name has the focus. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < TABS_MAX; pressed += 1) {
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

/** By keyboard alone. */
export async function press(page: Page, name: RegExp): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

export async function screenshot(page: Page, name: string): Promise<void> {
  if (!TAKE_SCREENSHOTS) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: `${IMAGES}coordinator-${name}.png`, fullPage: true });
}
