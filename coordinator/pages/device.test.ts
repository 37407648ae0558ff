import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';

const lab = startLab();
const visitor = (async () => new Visitor(await lab, await (await lab).admin()))();

/** A session of somebody with a role. */
async function sessionOf(name: string, role: string): Promise<string> {
  const { call, admin } = await lab;
  const added = await call('POST', '/api/v1/users', { name, role }, await admin());
  const { body } = await call('POST', '/api/v1/session', { code: added.body['code'] });
  return String(body['token']);
}

describe('letting in', () => {
  test('the code that an appliance shows leads to it, and there it is let in with name and tags', async () => {
    const page = await visitor;
    const device = new Device(await lab);
    const { body } = await device.enrol({ hostname: 'bulkhead-one' });
    const found = await page.send('/waiting', { act: 'find', code: String(body['code']).toLowerCase() });
    expect(found.location).toBe(`/devices/${device.id}?done=found`);
    const done = await page.send(`/devices/${device.id}`, {
      act: 'approve',
      name: 'Reception',
      tags: 'site=berlin\r\nfloor=2',
    });
    expect(done.location).toBe(`/devices/${device.id}?done=approved`);
    const shown = await page.see(String(done.location));
    expect(shown.html).toContain('The appliance is in.');
    expect(shown.html).toContain('floor=2');
    expect((await device.heartbeat()).status).toBe(200);
  });

  test('a code that nobody shows is refused in words, and stays in its field', async () => {
    const { status, html } = await (await visitor).send('/waiting', {
      act: 'find',
      code: 'QA33-50D8-FNWJ-V5ND',
    });
    expect(status).toBe(404);
    expect(html).toContain('DEVICE_UNKNOWN');
    expect(html).toContain('value="QA33-50D8-FNWJ-V5ND"');
  });

  test('who says to be a known machine is let in only when somebody says in whose place', async () => {
    const page = await visitor;
    const known = await approvedDevice(await lab, { hostname: 'bulkhead-known', serial: 'SAME-1' });
    const again = new Device(await lab);
    await again.enrol({ hostname: 'bulkhead-again', serial: 'SAME-1' });
    expect((await page.see('/waiting')).html).toContain('says it is one you know');
    const { html } = await page.see(`/devices/${again.id}`);
    expect(html).toContain('It says that it is a machine you know, with another key.');
    expect(html).toContain('serial number SAME-1');
    const silent = await page.send(`/devices/${again.id}`, { act: 'approve' });
    expect(silent.status).toBe(400);
    expect(silent.html).toContain('Say in whose place it comes.');
    await page.send(`/devices/${again.id}`, { act: 'approve', place: known.id });
    expect((await page.see(`/devices/${known.id}`)).html).toContain(`href="/devices/${again.id}"`);
    expect((await known.heartbeat()).status).toBe(401);
  });

  test('one that waits is refused, one that is in is revoked, with a reason', async () => {
    const page = await visitor;
    const waits = new Device(await lab);
    await waits.enrol();
    expect((await page.send(`/devices/${waits.id}`, { act: 'end' })).html).toContain('REQUEST_INVALID');
    expect((await page.send(`/devices/${waits.id}`, { act: 'end', reason: 'not ours' })).location).toContain(
      'done=refused',
    );
    const inside = await approvedDevice(await lab);
    expect((await page.send(`/devices/${inside.id}`, { act: 'end', reason: 'stolen' })).location).toContain(
      'done=revoked',
    );
    expect((await inside.heartbeat()).status).toBe(401);
  });

  test('a code for a stick is shown once and lets in', async () => {
    const page = await visitor;
    const made = await page.send('/waiting', {
      act: 'create_code',
      note: 'Berlin',
      uses: '1',
      days: '3',
      tags: 'site=berlin',
    });
    const code = /class="secret">([\w-]+)</.exec(made.html)?.[1] ?? '';
    const device = new Device(await lab);
    expect((await device.enrol({ hostname: 'bulkhead-stick' }, code)).body).toMatchObject({
      provision: 'accepted',
    });
    const { html } = await page.see('/waiting');
    expect(html).toContain('1 of 1');
    expect(html).not.toContain(code);
  });
});

describe('roles', () => {
  test('a viewer sees everything about an appliance and is offered nothing to do', async () => {
    const device = await approvedDevice(await lab);
    const page = new Visitor(await lab, await sessionOf('vera', 'viewer'));
    const { status, html } = await page.see(`/devices/${device.id}`);
    expect(status).toBe(200);
    expect(html.match(/name="act"/g)).toBeNull();
    expect(html).not.toContain('Audit log');
    const refused = await page.send(`/devices/${device.id}`, { act: 'end', reason: 'because' });
    expect(refused.status).toBe(403);
    expect(refused.html).toContain('FORBIDDEN');
    expect((await page.see(`/devices/${device.id}/order`)).status).toBe(403);
  });

  test('an operator gives orders, but not those of an administrator', async () => {
    const device = await approvedDevice(await lab);
    const page = new Visitor(await lab, await sessionOf('otto', 'operator'));
    const path = `/devices/${device.id}/order`;
    expect((await page.see(path)).html).not.toContain('reprovision');
    const erase = {
      act: 'order',
      type: 'reprovision',
      parameter_confirm: 'erase this appliance',
      parameter_reason: 'x',
    };
    expect((await page.send(path, erase)).status).toBe(403);
    expect((await page.send(path, { act: 'order', type: 'force_checkin' })).status).toBe(303);
  });
});

describe('orders', () => {
  test('a type asks for its parameters, and the order is on the board until it is taken back', async () => {
    const page = await visitor;
    const device = await approvedDevice(await lab, { hostname: 'bulkhead-orders' });
    const path = `/devices/${device.id}/order`;
    expect((await page.see(`${path}?type=view_logs`)).html).toContain('name="parameter_since_s"');
    const order = {
      act: 'order',
      type: 'view_logs',
      parameter_since_s: '600',
      parameter_lines_max: '100',
      reason: 'slow',
    };
    const wrong = await page.send(path, { ...order, parameter_since_s: '0' });
    expect(wrong.status).toBe(400);
    expect(wrong.html).toContain('ORDER_PARAMETERS');
    expect(wrong.html).toContain('name="parameter_lines_max" value="100"');
    const { location } = await page.send(path, order);
    const shown = await page.see(String(location));
    expect(shown.html).toContain('&quot;lines_max&quot;: 100');
    expect((await page.see('/orders?board=queued')).html).toContain('bulkhead-orders');
    const id = /\/orders\/([\w-]+)/.exec(String(location))?.[1] ?? '';
    expect((await page.send(`/orders/${id}`, { act: 'cancel' })).location).toBe(
      `/orders/${id}?done=cancelled`,
    );
    expect((await page.see(`/orders?board=queued&device_id=${device.id}`)).html).not.toContain('view logs');
    expect((await page.send(`/orders/${id}`, { act: 'cancel' })).html).toContain('ORDER_NOT_CANCELLABLE');
  });

  test('a reason that goes to the appliance is asked for once', async () => {
    const device = await approvedDevice(await lab);
    const path = `/devices/${device.id}/order`;
    const { html } = await (await visitor).see(`${path}?type=reboot`);
    expect(html.match(/<span>reason<\/span>/gi)).toHaveLength(1);
    const order = { act: 'order', type: 'reboot', parameter_reason: 'hangs', parameter_reboot: 'in_window' };
    await (await visitor).send(path, order);
    expect((await (await visitor).see(`/orders?device_id=${device.id}`)).html).toContain('>hangs<');
  });

  test.each([
    ['diagnostic', { parameter_command: 'time' }, { command: 'time' }],
    [
      'configure_dns',
      { parameter_servers: '192.0.2.1\r\n192.0.2.2' },
      { servers: ['192.0.2.1', '192.0.2.2'] },
    ],
    [
      'healing',
      {
        parameter_host: 'a.example',
        parameter_check_type: 'disk',
        parameter_action: 'clean',
        parameter_parameters: '{"keep":"1"}',
      },
      { host: 'a.example', check_type: 'disk', action: 'clean', parameters: { keep: '1' } },
    ],
  ])('the fields of %s become its parameters', async (type, fields, parameters) => {
    const device = await approvedDevice(await lab);
    const { location } = await (await visitor).send(`/devices/${device.id}/order`, {
      act: 'order',
      type,
      ...fields,
    });
    const id = /\/orders\/([\w-]+)/.exec(String(location))?.[1] ?? '';
    const { body } = await (await lab).call(
      'GET',
      `/api/v1/orders/${id}`,
      undefined,
      await (await lab).admin(),
    );
    expect(body['parameters']).toEqual(parameters);
  });
});
