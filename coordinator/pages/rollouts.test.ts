import { beforeAll, describe, expect, test } from 'vitest';
import { type SimulatedAppliance, simulatedAppliance } from '../../test/coordinator/appliance.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { publishRelease } from '../client/publish.ts';

const box = installLab();

/** What the form sends when nothing was changed but what a test wants. */
const FILLED = {
  ...{ act: 'create', version: '1.1.0', cohort: 'all', joining: 'frozen', stages: '50%, 100%' },
  ...{ soak_h: '0', errors_max_percent: '10', success_min_percent: '90', parallel_max: '100' },
  ...{ order_deadline_h: '24', stage_deadline_h: '192', window_zone: 'UTC' },
};

describe('rollouts on the page', () => {
  let lab: CoordinatorLab;
  let visitor: Visitor;
  const appliances: SimulatedAppliance[] = [];
  const path = async (): Promise<string> => {
    const { body } = await lab.call('GET', '/api/v1/rollouts', undefined, await lab.admin());
    return `/rollouts/${(body['rollouts'] as { id: string }[])[0]?.id}`;
  };
  const until = async (words: RegExp): Promise<string> => {
    for (let round = 0; round < 200; round += 1) {
      const { html } = await visitor.see(await path());
      if (words.test(html)) return html;
      for (const one of appliances) await one.turn();
      await Bun.sleep(30);
    }
    throw new Error(`the page never says ${words}`);
  };

  beforeAll(async () => {
    lab = await startLab({ release_keys: TEST_KEYS_FILE, plan_interval_ms: 20 });
    visitor = new Visitor(lab, await lab.admin());
    for (const ring of ['early', 'late'])
      appliances.push(await simulatedAppliance(lab, { tags: { ring }, habit: 'succeed' }));
  });

  test('without a release there is nothing to draw up', async () => {
    expect((await visitor.see('/rollouts/new')).html).toContain('There is no release to roll out');
    expect((await visitor.see('/rollouts')).html).toContain('There is none yet.');
  });

  test('the form says whom a query means, and where it is wrong, before anything is made', async () => {
    await box.full('new');
    await publishRelease(await administrator(lab), box.bundleFile('new'), { channel: 'stable', floors: [] });
    const empty = (await visitor.see('/rollouts/new')).html;
    expect(empty).toContain('2 of 2 appliances match now.');
    expect(empty).toContain('value="5%, 25%, 100%"');
    const asked = await visitor.send('/rollouts/new', {
      ...FILLED,
      act: 'count',
      cohort: 'tag.ring eq "early"',
    });
    expect(asked.html).toContain('1 of 2 appliances matches now.');
    expect(asked.html).toContain('value="50%, 100%"');
    expect((await visitor.see('/rollouts/new?cohort=tag.ring+is')).html).toMatch(/class="fault">[^<]*tag/);
    expect((await visitor.see('/rollouts')).html).toContain('There is none yet.');
  });

  test.each([
    [{ stages: 'half' }, 'stages', 'sizes such as'],
    [{ stages: '50%, 20%' }, 'stages', 'no larger than the stage before'],
    [{ soak_h: 'long' }, 'soak_h', 'a number is needed'],
    [{ cohort: 'tag.ring is' }, 'cohort', 'expected'],
    [{ parallel_max: '0' }, 'parallel_max', 'greater or equal to 1'],
    [{ window_start: '22:00', window_days: 'mon' }, 'window_end', 'a beginning and an end'],
    [
      { window_start: '22:00', window_end: '04:00', window_days: 'mon', stage_deadline_h: '1' },
      'stage_deadline_h',
      'before the window',
    ],
    [{ version: '9.9.9' }, 'version', 'there is no release'],
  ])('a fault in %o stands beside %s', async (changed, field, words) => {
    const { status, html } = await visitor.send('/rollouts/new', { ...FILLED, ...changed });
    expect([400, 409]).toContain(status);
    const label = html
      .split('<label')
      .find((part) => part.includes(`name="${field}"`) && part.includes('class="fault"'));
    expect(label?.split('</label>')[0]).toContain(words);
    expect(label).toContain('aria-invalid="true"');
    // What was filled in stands there still.
    expect(html).toContain('value="90"');
  });

  test('it is drawn up, shown ahead, approved after it was said what will happen, and moves', async () => {
    const drawn = await visitor.send('/rollouts/new', { ...FILLED, name: 'Spring <b>' });
    expect(drawn.location).toContain('done=rollout_drawn_up');
    const at = await path();
    const draft = (await visitor.see(at)).html;
    expect(draft).toContain('Spring &lt;b&gt;');
    expect(draft).toContain('nothing yet: it waits for approval');
    expect(draft).toContain(`href="${at}/approve"`);
    expect(draft).not.toContain(`href="${at}/pause"`);
    expect((await visitor.see(`${at}/preview`)).html).toContain('update to 1.1.0');
    const before = (await visitor.see(`${at}/approve`)).html;
    expect(before).toContain('2 appliances have a part in it');
    expect(before).toContain('1 appliance will be ordered to update at once.');
    expect(await lab.call('GET', '/api/v1/orders', undefined, await lab.admin())).toMatchObject({
      body: { orders: [] },
    });
    const approved = await visitor.send(`${at}/approve`, { act: 'confirm' });
    expect(approved.location).toContain('done=rollout_approve');
    const over = await until(/class="chip good">completed</);
    expect(over.match(/>1 succeeded<\/a>/g)).toHaveLength(2);
    expect(over).toContain('Newest plan, no. ');
    const plans = (await visitor.see(`${at}/plans`)).html;
    expect(plans).toContain('completed');
    expect(plans).toContain('ordered to update');
    expect((await visitor.see(`${at}?state=succeeded`)).html).toContain('bulkhead-1a2b3c');
  });

  test('what is not possible now is refused with what is', async () => {
    const { status, html } = await visitor.see(`${await path()}/pause`);
    expect(status).toBe(409);
    expect(html).toContain('Possible: roll_back');
  });

  test('a brake is shown apart from what operators want, with who failed and why', async () => {
    await box.full('far');
    await publishRelease(await administrator(lab), box.bundleFile('far'), { channel: 'stable', floors: [] });
    for (const one of appliances) one.habit = 'roll_back';
    await visitor.send('/rollouts/new', { ...FILLED, version: '1.2.0', name: 'Summer' });
    const at = await path();
    await visitor.send(`${at}/approve`, { act: 'confirm' });
    const html = await until(/class="chip bad">braked</);
    expect(html).toContain('that it goes on');
    expect(html).toContain('class="chip bad">engaged');
    expect(html).toContain('the health gate refused it: agent is down');
    expect(html).toContain('it tried, and came back on the version before');
    for (const action of ['release_brake', 'retry_failed', 'pause', 'cancel', 'roll_back'])
      expect(html).toContain(`href="${at}/${action}"`);
    await visitor.send(`${at}/pause`, { act: 'confirm' });
    const paused = (await visitor.see(at)).html;
    expect(paused).toContain('a pause');
    expect(paused).toContain('class="chip bad">engaged');
    expect((await visitor.see(`${at}/cancel`)).html).toContain('It ends for good.');
    await visitor.send(`${at}/cancel`, { act: 'confirm' });
    await until(/class="chip plain">cancelled</);
    expect((await visitor.see('/audit')).html).toContain(`href="${at}"`);
  });

  test('who only looks sees it and can do nothing', async () => {
    const { body } = await lab.call(
      'POST',
      '/api/v1/users',
      { name: 'ada', role: 'viewer' },
      await lab.admin(),
    );
    const session = await lab.call('POST', '/api/v1/session', { code: body['code'] });
    const viewer = new Visitor(lab, String(session.body['token']));
    expect((await viewer.see(await path())).html).not.toContain('roll_back"');
    expect((await viewer.see(`${await path()}/roll_back`)).status).toBe(403);
    expect((await viewer.see('/rollouts/new')).status).toBe(403);
  });
});
