import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedAppliance, simulatedAppliance } from '../../test/coordinator/appliance.ts';
import { openChromium, press, screenshot, tabTo } from '../../test/coordinator/browser.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { publishRelease } from '../client/publish.ts';

const box = installLab();
let lab: CoordinatorLab;
const { address, open, signedIn } = openChromium(() => lab);
beforeEach(async () => {
  lab = await startLab({ release_keys: TEST_KEYS_FILE, plan_interval_ms: 50 });
});

/** The machine may have a lot to do. */
const PATIENT = { timeout: 30_000 };
const LONG_MS = 240_000;

describe('a release on its way to the fleet, in a browser', () => {
  test(
    'by keyboard alone: sign in, let in, publish, draw up, approve, see it move, pause, see who did it',
    async () => {
      const { page, complaints } = await open(`/sign-in?code=${lab.firstSignIn?.code}`);
      await press(page, /^Sign in with the code$/);
      await page.waitForURL(/\/settings/);

      const early = new SimulatedAppliance(lab, '1.0.0');
      const enrolled = await early.enrol({
        hostname: 'bulkhead-early',
        hardware: 'qemu',
        image_version: '1.0.0',
      });
      await press(page, /^Let in/);
      await page.waitForURL(/\/waiting/);
      await tabTo(page, /^Code$/);
      await page.keyboard.type(String(enrolled.body['code']));
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/devices\//);
      await press(page, /^Let it in$/);
      await page.waitForURL(/done=approved/);
      await early.report();

      await box.full('new');
      await press(page, /^Releases$/);
      await page.waitForURL(/\/releases/);
      await press(page, /^Publish a release$/);
      await page.waitForURL(/\/releases\/new/);
      // Asked for before the key is pressed: a browser that is not told to hand the choice over shows it to nobody.
      const choice = page.waitForEvent('filechooser', { timeout: LONG_MS });
      await tabTo(page, /^What is new$/);
      await page.keyboard.type('A new kernel.');
      await tabTo(page, /^Bundle$/);
      await page.keyboard.press('Enter');
      await (await choice).setFiles(box.bundleFile('new'));
      await press(page, /^Publish$/);
      await page.waitForURL(/done=release_published/);
      expect(await page.locator('h1').textContent()).toBe('Release 1.1.0');

      await press(page, /^Draw up a rollout$/);
      await page.waitForURL(/\/rollouts\/new/);
      expect(await page.locator('#whom-count').textContent()).toContain('1 of 1 appliance matches now.');
      await tabTo(page, /^Cohort$/);
      await page.keyboard.press('Control+A');
      await page.keyboard.type('version gt "2.0.0"');
      await expect.poll(() => page.locator('#whom-count').textContent(), PATIENT).toContain('0 of 1');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('all');
      await expect.poll(() => page.locator('#whom-count').textContent(), PATIENT).toContain('1 of 1');
      await press(page, /^Draw it up$/);
      await page.waitForURL(/done=rollout_drawn_up/);

      await press(page, /^Approve$/);
      await page.waitForURL(/\/approve$/);
      expect(await page.locator('#effect').textContent()).toContain(
        '1 appliance will be ordered to update at once.',
      );
      await press(page, /^Yes: approve$/);
      await page.waitForURL(/done=rollout_approve/);
      await page.evaluate('globalThis.untouched = true');
      const chip = page.locator('.title .chip').first();
      await expect.poll(() => chip.textContent(), PATIENT).toBe('running');
      await expect.poll(() => page.locator('#stages').textContent(), PATIENT).toContain('1 at it');
      await early.turn();
      await expect.poll(() => page.locator('#stages').textContent(), PATIENT).toContain('1 succeeded');
      // It moved by itself: the page was not loaded anew.
      expect(await page.evaluate('globalThis.untouched')).toBe(true);
      expect(await page.locator('#liveness').textContent()).toBe('Live');

      await press(page, /^Pause$/);
      await page.waitForURL(/\/pause$/);
      await press(page, /^Yes: pause$/);
      await page.waitForURL(/done=rollout_pause/);
      await expect.poll(() => page.locator('#state').textContent(), PATIENT).toContain('a pause');

      await press(page, /^Audit log$/);
      await page.waitForURL(/\/audit/);
      const entries = await page.locator('#entries').textContent();
      for (const deed of [
        'rollout.pause',
        'rollout.approve',
        'rollout.create',
        'release.create',
        'artifact.upload',
      ])
        expect(entries).toContain(deed);
      expect(complaints).toEqual([]);
    },
    LONG_MS,
  );

  test(
    'what was refused is told without losing what was filled in; the fleet shows a newcomer by itself',
    async () => {
      const { page, complaints } = await signedIn('/releases/new');
      await page.getByLabel('What is new').fill('Not a bundle at all.');
      await page.locator('input[name=bundle]').setInputFiles({
        ...{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x'.repeat(9000)) },
      });
      await page.getByRole('button', { name: 'Publish' }).click();
      await expect.poll(() => page.locator('.message.bad').textContent(), PATIENT).toContain('ARTIFACT_KIND');
      expect(await page.getByLabel('What is new').inputValue()).toBe('Not a bundle at all.');
      await page.goto(address('/'));
      await expect.poll(() => page.locator('#liveness').textContent(), PATIENT).toBe('Live');
      await page.getByLabel('Search').fill('half a word');
      await simulatedAppliance(lab);
      await expect.poll(() => page.locator('#appliances tbody tr').count(), PATIENT).toBe(1);
      expect(await page.getByLabel('Search').inputValue()).toBe('half a word');
      // A browser notes an answer that refuses; nothing else is wrong.
      expect(complaints.filter((text) => !text.includes('400 (Bad Request)'))).toEqual([]);
    },
    LONG_MS,
  );

  test(
    'a rollout that stops by itself, on a desk, in the dark and on a phone',
    async () => {
      const fleet: SimulatedAppliance[] = [];
      for (const [index, habit] of (['succeed', 'succeed', 'succeed', 'roll_back'] as const).entries())
        fleet.push(await simulatedAppliance(lab, { habit, tags: { ring: index < 2 ? 'early' : 'late' } }));
      for (const [index, name] of ['Reception', 'Server room', 'Warehouse', 'Workshop'].entries())
        await lab.call('PATCH', `/api/v1/devices/${fleet[index]?.id}`, { name }, await lab.admin());
      await box.full('new');
      const api = await administrator(lab);
      const facts = { channel: 'stable', floors: [], notes: 'A new kernel.' };
      const release = (await publishRelease(api, box.bundleFile('new'), facts)) as { id: string };
      const wanted = {
        version: '1.1.0',
        name: 'Spring',
        cohort: 'all',
        stages: [{ percent: 100 }],
        soak_ms: 0,
      };
      const { id } = (await api.call('POST', '/api/v1/rollouts', wanted)) as { id: string };
      const desk = await signedIn('/rollouts/new?cohort=tag.ring+eq+%22early%22');
      await screenshot(desk.page, 'new-rollout');
      await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
      const { page } = await signedIn(`/rollouts/${id}`);
      const chip = page.locator('.title .chip').first();
      for (let round = 0; round < 300 && (await chip.textContent()) !== 'braked'; round += 1) {
        for (const one of fleet) await one.turn();
        await Bun.sleep(100);
      }
      expect(await chip.textContent()).toBe('braked');
      await screenshot(page, 'rollout');
      const dark = await signedIn(`/rollouts/${id}`, { colorScheme: 'dark' });
      await screenshot(dark.page, 'rollout-dark');
      const desktop = await signedIn(`/releases/${release.id}`);
      await screenshot(desktop.page, 'release');
      const phone = { viewport: { width: 320, height: 640 }, isMobile: true, deviceScaleFactor: 2 };
      for (const path of [
        `/rollouts/${id}`,
        `/rollouts/${id}/plans`,
        `/rollouts/${id}/cancel`,
        '/rollouts/new',
        `/releases/${release.id}`,
        '/releases/new',
      ]) {
        const small = await signedIn(path, phone);
        const beyond = await small.page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(beyond, path).toBe(0);
        if (path !== `/rollouts/${id}`) continue;
        await screenshot(small.page, 'rollout-phone');
        const why = small.page
          .locator('#members td')
          .filter({ hasText: 'came back on the version before' })
          .last();
        const { x = -1, width = 0 } = (await why.boundingBox()) ?? {};
        // All of it is in sight, and no column of single words.
        expect([x >= 0, x + width <= 320, width > 200]).toEqual([true, true, true]);
      }
      expect([...desk.complaints, ...dark.complaints]).toEqual([]);
    },
    LONG_MS,
  );
});
