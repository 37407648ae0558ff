import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { heard } from '../../test/unit/heard.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { complianceControl } from '../compliance/control.ts';
import { goodSight } from '../compliance/lab/sight.ts';
import { startCompliance } from '../compliance/lab/start-compliance.ts';
import { REGISTER } from '../compliance/register/register.ts';
import { runProgram } from '../program.ts';
import { serveControl } from '../site/control/server.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function start() {
  const folder = makeFolder('compliance-cli');
  const lab = startCompliance(folder);
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  const socket = join(folder, 'control.sock');
  const parts = [complianceControl(lab.compliance, () => lab.clock_ms)];
  const control = serveControl({ socket, parts, onFault: () => {} });
  ends.push(lab.stop, control.stop);
  return { folder, lab, command: (...args: string[]) => run(...args, '--socket', socket) };
}

const run = (...args: string[]) => heard((io) => runProgram(['compliance', ...args], io));

test('status shows the rates and what fails, and says so by its exit status', async () => {
  const { lab, command } = start();
  const said = await command('status');
  expect(said.err).toBe('');
  expect(said.out).toMatch(
    /^appliance {2}98\.\d % \(\d\d\.\d % without justifications\): 47 hold, 1 fail, 0 unknown/m,
  );
  expect(said.out).toContain('BH-SC-17  FAILS           Wireless off: up: wlan0');
  expect(said.code).toBe(1);
  lab.sight = goodSight();
  expect((await command('run')).out).toContain('nothing fails, and nothing is unknown');
  expect(await command('status')).toMatchObject({ code: 0, err: '' });
});

test('status filters by framework and state, and refuses words that filter nothing', async () => {
  const { command } = start();
  const { out } = await command('status', '--framework', 'STIG', '--state', 'justified');
  expect(out).toContain('BH-SC-10  justified');
  expect(out).not.toContain('BH-CM-08');
  expect(await command('status', '--state', 'broken')).toMatchObject({ code: 1, out: '' });
  expect((await command('status', '--state', 'broken')).err).toContain(
    'COMPLIANCE_FILTER: there is no state broken',
  );
});

test('controls lists the register without asking anybody', async () => {
  const { out } = await run('controls');
  expect(out.trim().split('\n')).toHaveLength(REGISTER.length);
});

test('show tells a control and a machine, and that it knows no such thing', async () => {
  const { command } = start();
  await command('run');
  const control = (await command('show', 'BH-AC-08')).out;
  expect(control).toContain('justified  by the register');
  expect(control).toContain('instead    SSH is off until a key is configured');
  expect((await command('show', 'appliance')).out).toContain('BH-SC-17    fails');
  expect((await command('show', 'BH-ZZ-01')).err).toContain('COMPLIANCE_CONTROL_UNKNOWN');
});

test('history shows what was sampled', async () => {
  const { lab, command } = start();
  expect((await command('history')).out).toBe('nothing was sampled in this time\n');
  // The command asks by the clock of the machine.
  lab.clock_ms = Date.now();
  await command('run');
  expect((await command('history', '--by', 'hour', '--days', '1')).out.trim().split('\n')).toHaveLength(1);
});

test('export prints CSV, and writes a PDF into a file for its owner alone', async () => {
  const { folder, command } = start();
  expect((await command('export')).out.split('\r\n')[0]).toMatch(/^subject,hostname,control,/);
  const file = join(folder, 'report.pdf');
  expect((await command('export', '--pdf', '--out', file)).err).toMatch(/report\.pdf: \d+\.\d KiB/);
  expect(readFileSync(file).subarray(0, 5).toString()).toBe('%PDF-');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await command('export', '--pdf')).err).toContain('COMPLIANCE_EXPORT');
  expect((await command('export', '--pdf', '--csv')).err).toContain('COMPLIANCE_EXPORT');
  expect(JSON.parse((await command('export', '--json')).out)).toHaveProperty('controls');
});

test('without the service the error says what to look at', async () => {
  const said = await run('status', '--socket', join(makeFolder('none'), 'control.sock'));
  expect(said).toMatchObject({ code: 1, out: '' });
  expect(said.err).toContain('SITE_NOT_RUNNING');
});
