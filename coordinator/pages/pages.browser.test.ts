import { beforeEach, describe, expect, test } from 'vitest';
import { openChromium, press, screenshot, tabTo } from '../../test/coordinator/browser.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';

/** The page in a real Chromium, on the real server. */

let lab: CoordinatorLab;
const { address, open, signedIn } = openChromium(() => lab);
beforeEach(async () => {
  lab = await startLab();
});

describe('the page of the coordinator in a browser', () => {
  test('by keyboard alone and without JavaScript: sign in, let in by code, order, see who did it', async () => {
    const { page, complaints } = await open(`/sign-in?code=${lab.firstSignIn?.code}`, {
      javaScriptEnabled: false,
    });
    await press(page, /^Sign in with the code$/);
    await page.waitForURL(/\/settings/);

    const device = new Device(lab);
    const enrolled = await device.enrol({ hostname: 'bulkhead-keys', serial: '8CG1234XYZ' });
    await press(page, /^Let in$/);
    await page.waitForURL(/\/waiting/);
    await tabTo(page, /^Code$/);
    await page.keyboard.type(String(enrolled.body['code']));
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/devices\//);
    await tabTo(page, /^Name$/);
    await page.keyboard.type('Reception');
    await press(page, /^Let it in$/);
    await page.waitForURL(/done=approved/);
    expect(await page.locator('h1').textContent()).toBe('Reception');

    await press(page, /^Give an order$/);
    await page.waitForURL(/\/order$/);
    await tabTo(page, /^Type$/);
    await page.keyboard.type('diag');
    await press(page, /^Choose$/);
    await page.waitForURL(/type=diagnostic/);
    await tabTo(page, /^command$/);
    await page.keyboard.type('time');
    await press(page, /^Give the order$/);
    await page.waitForURL(/done=ordered/);
    expect(await page.locator('#parameters pre').textContent()).toContain('"command": "time"');

    await press(page, /^Audit log$/);
    await page.waitForURL(/\/audit/);
    expect(await page.locator('#entries').textContent()).toContain('order.create');
    await press(page, /^Check the chain$/);
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
    const dark = await signedIn('/', { colorScheme: 'dark' });
    await screenshot(dark.page, 'fleet-dark');
    await page.getByLabel('Query').fill('tag.site eq "paris"');
    await page.getByRole('button', { name: 'Find' }).click();
    expect(await page.locator('#appliances tbody tr').count()).toBe(2);
    await page.goto(address(`/devices/${again.id}`));
    expect(await page.locator('.message.bad').textContent()).toContain('with another key');
    await screenshot(page, 'conflict');
    expect(complaints).toEqual([]);
  });

  test.each([
    '/',
    '/waiting',
    '/releases',
    '/releases/keys',
    '/rollouts',
    '/orders',
    '/audit?check=1',
    '/people',
    '/settings',
  ])('fits a phone of 320 pixels without scrolling sideways: %s', async (path) => {
    await approvedDevice(lab, { hostname: 'bulkhead-with-quite-a-long-host-name-of-its-own' });
    const { page } = await signedIn(path, { viewport: { width: 320, height: 640 }, isMobile: true });
    const beyond = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(beyond).toBe(0);
  });

  test('is dark where the reader likes it dark', async () => {
    const { page } = await open('/sign-in', { colorScheme: 'dark' });
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe('rgb(10, 19, 23)');
  });
});
