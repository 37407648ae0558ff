import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';

const lab = startLab();
const visitor = (async () => new Visitor(await lab, await (await lab).admin()))();

/** Id of somebody as the page has it. */
async function idOf(name: string): Promise<string> {
  const { body } = await (await lab).call('GET', '/api/v1/users', undefined, await (await lab).admin());
  return (body['users'] as { id: string; name: string }[]).find((user) => user.name === name)?.id ?? '';
}

describe('people', () => {
  test('somebody new gets a code that signs them in, and sees what their role lets them', async () => {
    const page = await visitor;
    const added = await page.send('/people', { act: 'add', name: 'ada', role: 'operator' });
    const code = /class="secret">([\w-]+)</.exec(added.html)?.[1] ?? '';
    const ada = new Visitor(await lab);
    expect((await ada.post('/sign-in', { code })).status).toBe(303);
    expect((await ada.see('/audit')).status).toBe(200);
    expect((await ada.see('/people')).status).toBe(403);
    expect((await ada.see('/')).html).not.toContain('href="/people"');
    expect((await page.send('/people', { act: 'add', name: 'ada', role: 'viewer' })).html).toContain(
      'USER_EXISTS',
    );
    await page.send('/people', { act: 'change_role', id: await idOf('ada'), role: 'viewer' });
    expect((await ada.see('/audit')).status).toBe(403);
    await page.send('/people', { act: 'disable', id: await idOf('ada') });
    expect((await ada.see('/')).status).toBe(303);
    await page.send('/people', { act: 'enable', id: await idOf('ada') });
    expect((await ada.see('/')).status).toBe(200);
  });

  test('the last administrator stays one', async () => {
    const refused = await (await visitor).send('/people', { act: 'disable', id: await idOf('admin') });
    expect(refused.status).toBe(409);
    expect(refused.html).toContain('USER_LAST_ADMIN');
    expect(refused.html).toContain('Make somebody else an administrator first.');
  });
});

describe('the audit log', () => {
  test('shows who did what, newest first, page by page', async () => {
    const page = await visitor;
    for (let made = 0; made < 60; made += 1)
      await (await lab).call(
        'POST',
        '/api/v1/tokens',
        { name: `t${made}`, scopes: ['read'] },
        await (await lab).admin(),
      );
    const first = await page.see('/audit');
    expect(first.html).toContain('&quot;t59&quot;');
    expect(first.html).not.toContain('&quot;t0&quot;');
    const next = /href="(\/audit\?before=\d+)"/.exec(first.html)?.[1] ?? '';
    const second = await page.see(next);
    expect(second.html).toContain('&quot;t0&quot;');
    expect(second.html).not.toContain('&quot;t59&quot;');
  });

  test('is checked when somebody asks, tells its head, and is exported', async () => {
    const page = await visitor;
    const { html } = await page.see('/audit?check=1');
    expect(html).toMatch(/Whole: \d+ entries/);
    const head = /<code>([0-9a-f]{64})<\/code>/.exec(html)?.[1] ?? '';
    const { html: lines } = await page.see('/api/v1/audit/export');
    expect(JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ hash: head });
  });
});
