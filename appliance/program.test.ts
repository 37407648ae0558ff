import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { heard } from '../test/unit/heard.ts';
import { makeProgram, registerFor, runProgram } from './program.ts';

const bulkhead = (...args: string[]) => heard((io) => runProgram(args, io));

/** Every command with its full name. */
function commands(command: Command, name = command.name()): [string, Command][] {
  const below = command.commands.flatMap((child) => commands(child, `${name} ${child.name()}`));
  return [[name, command], ...below];
}
const nobody = { out: () => undefined, err: () => undefined, setExitCode: () => undefined };
const whole = await registerFor(makeProgram(), nobody, []);
const all = commands(whole);

describe('a wrong command line', () => {
  test.each([
    ['an argument is missing', ['config', 'get', '--json'], /missing required argument 'key'/],
    ['an option is unknown', ['status', '--json', '--nonsense'], /unknown option '--nonsense'/],
    ['a command is unknown', ['statsu', '--json'], /unknown command 'statsu'/],
    ['the sub-command is missing', ['bundle', '--json'], /sub-command|unknown option/],
  ])('is told as JSON where JSON was asked for: %s', async (_, args, message) => {
    const { out, err, code } = await bulkhead(...args);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(JSON.parse(err)).toEqual({
      error: { code: 'COMMAND_USAGE', message: expect.stringMatching(message), hint: expect.any(String) },
    });
  });

  test('is told with the usage to a person', async () => {
    const { err, code } = await bulkhead('config', 'get');
    expect(code).toBe(1);
    expect(err).toMatch(/^error: missing required argument 'key'\n[\s\S]*Usage: bulkhead config get/);
  });
});

test('an error says its code once, in JSON and to a person', async () => {
  const missing = ['config', 'check', '/nowhere/config.yaml'];
  const { err, code } = await bulkhead(...missing, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(err)).toEqual({
    error: { code: 'CONFIG_FILE_MISSING', message: 'there is no file /nowhere/config.yaml', hint: null },
  });
  expect((await bulkhead(...missing)).err).toBe(
    'error: CONFIG_FILE_MISSING: there is no file /nowhere/config.yaml\n',
  );
});

test.each(whole.commands.map((command) => command.name()))(
  'the word %s brings its own command and no other, the same as among all',
  async (word) => {
    const alone = await registerFor(makeProgram(), nobody, [word]);
    const names = (command: Command) => commands(command).map(([name]) => name);
    expect(names(alone).slice(1)).toEqual(
      names(whole).filter((name) => `${name} `.startsWith(`bulkhead ${word} `)),
    );
  },
);

test('help and version end well', async () => {
  for (const args of [
    ['--help'],
    ['config', '--help'],
    ['help', 'slots'],
    ['--version'],
    ['slots', '--help', '--json'],
  ]) {
    const { out, err, code } = await bulkhead(...args);
    expect(code, args.join(' ')).toBe(0);
    expect(out, args.join(' ')).not.toBe('');
    expect(err, args.join(' ')).toBe('');
  }
});

test('a group of commands that shows something shows it without naming the command', async () => {
  expect(JSON.parse((await bulkhead('firewall', '--json')).out)).toEqual(
    JSON.parse((await bulkhead('firewall', 'show', '--json')).out),
  );
  expect(JSON.parse((await bulkhead('update', '--json')).err || '{}')).toEqual(
    JSON.parse((await bulkhead('update', 'status', '--json')).err || '{}'),
  );
});

test('the keys of the configuration are there for programs, with what the table says', async () => {
  const keys = JSON.parse((await bulkhead('config', 'keys', '--json')).out) as { key: string }[];
  const table = (await bulkhead('config', 'keys')).out;
  expect(keys.length).toBeGreaterThan(20);
  for (const { key } of keys) expect(table).toContain(`| \`${key}\` |`);
  expect(keys).toContainEqual({
    key: 'network.wifi.passphrase',
    ...{ expects: 'text in quotes', description: expect.stringContaining('WPA2'), secret: true },
  });
  expect(keys[0]).toMatchObject({ key: 'config_version', default: 1, variable: null });
});

test.each(all)(
  '%s has a description in the form of all: lower case, imperative, no full stop',
  (name, command) => {
    expect(command.description(), name).toMatch(/^[a-z][\s\S]*[^.\n]$/);
    expect(command.description(), name).not.toMatch(/\. |\n/);
  },
);

test.each(all)('the help of %s names no file that is not on the appliance', (name, command) => {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  expect(help, name).not.toMatch(/docs\/|\.md\b/);
});
