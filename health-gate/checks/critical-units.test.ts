import { afterAll, expect, test } from 'vitest';
import type { Run } from '../../base/run.ts';
import { LabMachine } from '../lab/machine.ts';
import { criticalUnits } from './critical-units.ts';

const machine = new LabMachine();
afterAll(() => machine.remove());

/** A block as `systemctl show` of systemd 257 prints it for the properties asked for. */
const unit = (name: string, load: string, active: string, sub: string, result = 'success') =>
  `Result=${result}\nId=${name}\nLoadState=${load}\nActiveState=${active}\nSubState=${sub}\n`;

/** That is active since so many seconds after the start of the kernel. */
const since = (block: string, since_s: number, restarts: number) =>
  `${block}ActiveEnterTimestampMonotonic=${since_s * 1e6}\nNRestarts=${restarts}\n`;

const AGENT = unit('compliance-agent.service', 'loaded', 'active', 'running');
const FIREWALL = unit('bulkhead-firewall.service', 'loaded', 'active', 'exited');

/** Answers one after the other; the last one for ever. */
async function judge(list: string, answers: string[], patience_ms = 0, steady_ms = 0) {
  machine.write('usr/critical-units', list);
  let asked = 0;
  const run: Run = async (program, args) => {
    expect([program, args[0]]).toEqual(['systemctl', 'show']);
    const stdout = answers[Math.min(asked, answers.length - 1)] ?? '';
    asked += 1;
    return { code: 0, stdout, stderr: '' };
  };
  const context = machine.context({ run, patience_ms, steady_ms });
  const { outcome, message } = await criticalUnits.find(context, new AbortController().signal);
  return { said: `${outcome}: ${message}`, asked };
}

const LIST = '# what must run\ncompliance-agent.service\n\nbulkhead-firewall.service # rules\n';

test('passes when every listed unit runs or has done its work', async () => {
  expect((await judge(LIST, [`${AGENT}\n${FIREWALL}`])).said).toBe('pass: 2 critical units are well');
});

test('names a unit that has failed, and does not wait for it', async () => {
  const failed = unit('bulkhead-firewall.service', 'loaded', 'failed', 'failed', 'exit-code');
  const { said, asked } = await judge(LIST, [`${AGENT}\n${failed}`], 60_000);
  expect(said).toBe('fail: bulkhead-firewall.service has failed (exit-code)');
  expect(asked).toBe(1);
});

test('names the unit that no waiting mends alone, not those that were only starting beside it', async () => {
  machine.write('proc/uptime', '40.00 1.00\n');
  const absent = unit('bulkhead-firewall.service', 'not-found', 'inactive', 'dead');
  const { said } = await judge(LIST, [`${since(AGENT, 30, 0)}\n${absent}`], 60_000, 30_000);
  expect(said).toBe('fail: bulkhead-firewall.service is not-found');
});

test('a unit that is not there or masked fails, or a typing error in the list would pass for ever', async () => {
  const absent = unit('bulkhead-firewall.service', 'not-found', 'inactive', 'dead');
  expect((await judge(LIST, [`${AGENT}\n${absent}`])).said).toBe(
    'fail: bulkhead-firewall.service is not-found',
  );
  expect((await judge(LIST, [AGENT])).said).toBe('fail: bulkhead-firewall.service is not known to systemd');
});

test('waits for a unit that is still starting or being restarted', async () => {
  const starting = unit('compliance-agent.service', 'loaded', 'activating', 'start');
  const { said, asked } = await judge(LIST, [`${starting}\n${FIREWALL}`, `${AGENT}\n${FIREWALL}`], 10_000);
  expect(said).toBe('pass: 2 critical units are well');
  expect(asked).toBe(2);
  const crashing = unit('compliance-agent.service', 'loaded', 'activating', 'auto-restart', 'exit-code');
  expect((await judge(LIST, [`${crashing}\n${FIREWALL}`])).said).toBe(
    'fail: compliance-agent.service keeps failing and is restarted (exit-code)',
  );
});

test('a unit that nothing started fails: an image that forgets to start its network looks well otherwise', async () => {
  const forgotten = unit('bulkhead-firewall.service', 'loaded', 'inactive', 'dead');
  expect((await judge(LIST, [`${AGENT}\n${forgotten}`])).said).toBe(
    'fail: bulkhead-firewall.service is inactive',
  );
  const { said, asked } = await judge(LIST, [`${AGENT}\n${forgotten}`, `${AGENT}\n${FIREWALL}`], 10_000);
  expect([said, asked]).toEqual(['pass: 2 critical units are well', 2]);
});

test('on trial a service has to have run for a while: one that crashes again and again is well between two crashes', async () => {
  machine.write('proc/uptime', '100.50 90.00\n');
  const young = `${since(AGENT, 92, 6)}\n${since(FIREWALL, 99, 0)}`;
  expect((await judge(LIST, [young], 0, 30_000)).said).toBe(
    'fail: compliance-agent.service has run for only 8 s, restarts: 6',
  );
  expect((await judge(LIST, [young])).said).toBe('pass: 2 critical units are well');
  const { said, asked } = await judge(LIST, [young, `${since(AGENT, 70, 6)}\n${FIREWALL}`], 10_000, 30_000);
  expect([said, asked]).toEqual(['pass: 2 critical units are well', 2]);
});

test('an uptime that says nothing fails a trial instead of passing it', async () => {
  machine.write('proc/uptime', '\n');
  await expect(judge(LIST, [`${AGENT}\n${FIREWALL}`], 0, 30_000)).rejects.toThrow('uptime');
});

test('an empty or missing list fails', async () => {
  expect((await judge('# nothing\n', [''])).said).toMatch(/names no unit$/);
  const paths = { ...machine.paths, criticalUnitsFile: machine.at('absent') };
  await expect(criticalUnits.find(machine.context({ paths }), new AbortController().signal)).rejects.toThrow(
    /ENOENT/,
  );
});

test('the gate does not judge its own unit, which is starting while it asks', async () => {
  const { said } = await judge(`${LIST}msp-health-gate.service\n`, [`${AGENT}\n${FIREWALL}`]);
  expect(said).toBe('pass: 2 critical units are well');
});
