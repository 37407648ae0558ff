import { expect, test } from 'vitest';
import { classifyBootLog } from './classify.ts';

const PANIC = '<0>[   93.100000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100';
const RESTART = '<0>[  120.000000] reboot: Restarting system';

test.each([
  ['a restart', RESTART, 'clean'],
  ['a power-off', '<0>[  120.000000] reboot: Power down', 'clean'],
  ['a halt', '<0>[  120.000000] reboot: System halted', 'clean'],
  ['a panic', PANIC, 'panic'],
  ['an oops without the panic after it', '<4>[    9.1] Oops: 0002 [#1] PREEMPT SMP NOPTI', 'panic'],
  ['nothing of the kind', '<6>[    9.1] usb 1-1: new device', 'stopped'],
  ['no text', '', 'stopped'],
  [
    'the warning of the watchdog',
    '<0>[  205.0] Kernel panic - not syncing: watchdog pretimeout event',
    'stopped',
  ],
  ['an emergency reset', '<6>[    9.1] sysrq: Resetting', 'stopped'],
])('a log with %s says how the boot ended', (_, line, ending) => {
  expect(classifyBootLog(`<6>[    1.000000] before\n${line}\n<6>[  130.000000] after\n`)).toBe(ending);
});

test('the last ending counts: a panic while shutting down is a panic', () => {
  expect(classifyBootLog(`${RESTART}\n${PANIC}\n`)).toBe('panic');
  expect(classifyBootLog(`${PANIC}\n${RESTART}\n`)).toBe('clean');
});

test('what programs write into the kernel log is not how the boot ended', () => {
  const said = [
    '<12>[    5.0] Kernel panic - not syncing: said a program',
    '<30>[    6.0] reboot: Restarting system',
  ];
  expect(classifyBootLog(said.join('\n'))).toBe('stopped');
  expect(
    classifyBootLog(`<0>[  1.0] Kernel panic - not syncing: real\n<30>[  6.0] reboot: Power down\n`),
  ).toBe('panic');
});

test('words inside a line are a quotation', () => {
  expect(classifyBootLog('<6>[    5.0] compliance-agent[300]: Kernel panic - not syncing: last week\n')).toBe(
    'stopped',
  );
});

test('a log whose lines lost their origin is read all the same', () => {
  expect(
    classifyBootLog('[   93.1] Kernel panic - not syncing: VFS\n[   94.0] Rebooting in 10 seconds..'),
  ).toBe('panic');
});
