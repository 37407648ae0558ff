import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { defaultPaths, readConfig } from './config.ts';
import { runProgram } from './program.ts';
import { presentStatus, type StatusFile } from './status-file.ts';

async function call(...args: string[]) {
  let [out, err, code] = ['', '', 0];
  await runProgram(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    setExitCode: (set) => {
      code = set;
    },
  });
  return { out, err, code };
}

describe('the command line', () => {
  test('has the five commands, and each explains itself', async () => {
    const { out } = await call('--help');
    for (const name of ['run', 'check', 'enrol', 'status', 'version']) {
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
      expect((await call(name, '--help')).out).toContain(`bulkhead-sensor ${name}`);
    }
  });

  test('looks once and says so as JSON; a check that it has not is an error with the list', async () => {
    const { out, code } = await call('check', 'disk', '--json');
    const [reading] = JSON.parse(out);
    expect(reading).toMatchObject({ check_type: 'disk', expected: expect.stringContaining('90 %') });
    expect(code).toBe(reading.passed ? 0 : 2);
    const wrong = await call('check', 'toaster', '--json');
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.err).error).toMatchObject({
      code: 'SENSOR_CHECK_UNKNOWN',
      hint: expect.stringContaining('disk'),
    });
  });

  test('says what is missing before it begins', async () => {
    const state = makeFolder('state');
    const none = await call('enrol', '--state', state, '--config', emptyConfig(state));
    expect(none).toMatchObject({
      code: 1,
      err: expect.stringContaining('SENSOR_CONFIG_INCOMPLETE: nothing says where'),
    });
    const unknown = await call(
      'enrol',
      '--appliance',
      'localhost',
      '--state',
      state,
      '--config',
      emptyConfig(state),
    );
    expect(unknown.err).toContain('--fingerprint');
  });

  test('shows the state of a sensor that never ran', async () => {
    const state = makeFolder('state');
    expect((await call('status', '--state', state, '--config', emptyConfig(state))).out).toContain(
      'never ran',
    );
  });
});

describe('the configuration', () => {
  const paths = { config: '/nowhere/config.yaml', state: '/nowhere/state' };

  test('is the file with the command line on top of it', () => {
    const config = join(makeFolder('config'), 'config.yaml');
    writeFileSync(
      config,
      `appliance: "[2001:db8::7]:50052"\nfingerprint: ${'ab'.repeat(32)}\ncode: FILE\nupdate: false\n`,
    );
    expect(readConfig({ config, code: 'LINE' }, paths)).toEqual({
      ...{ address: { host: '2001:db8::7', port: 50_052 }, code: 'LINE', server_name: null },
      ...{
        authority: { fingerprint: 'ab'.repeat(32) },
        state: '/nowhere/state',
        keyset: null,
        update: false,
      },
    });
    expect(readConfig({ appliance: 'box.local' }, paths)).toMatchObject({
      address: { host: 'box.local', port: 50_051 },
      authority: null,
    });
  });

  test.each([
    ['a key that is none', 'aplliance: x\n', 'Unexpected property'],
    ['a fingerprint that is none', 'fingerprint: abc\n', 'fingerprint'],
    ['no YAML', 'a: [', 'cannot be read'],
    ['an address that is none', 'appliance: "http://x"\n', 'SENSOR_ADDRESS_INVALID'],
  ])('is refused with the place: %s', (_, text, said) => {
    const config = join(makeFolder('config'), 'config.yaml');
    writeFileSync(config, text);
    try {
      readConfig({ config }, paths);
      throw new Error('it was taken');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      expect(`${code} ${String(error)}`).toContain(said);
    }
  });

  test('lies where each system keeps such things', () => {
    expect(defaultPaths('linux', {}).state).toBe('/var/lib/bulkhead-sensor');
    expect(defaultPaths('win32', { ProgramData: 'D:\\Data' }).config).toBe(
      'D:\\Data\\BulkheadSensor\\config.yaml',
    );
  });
});

test('the state is told as a person reads it, and one that is old says so', () => {
  const status: StatusFile = {
    ...{
      agent_id: 's-0123456789abcdef',
      tier: 'self_heal',
      last_heard_ms: 940_000,
      waiting: 3,
      memory_only: null,
    },
    link: { state: 'interrupted', why: 'UNAVAILABLE: nobody there', retry_in_ms: 5 },
    lost: { failed: 1, passed: 20, refused: 0 },
    checks: { ssh: { passed: false, actual: 'passwordauthentication yes', flapping: true, at_ms: 1 } },
    ...{ version: '1.2.3', written_ms: 990_000 },
  };
  expect(presentStatus(status, 1_000_000)).toBe(
    [
      'version      1.2.3',
      'identity     s-0123456789abcdef (self_heal)',
      'appliance    interrupted: UNAVAILABLE: nobody there',
      'last heard   1 min ago',
      'waiting      3 events',
      'lost         1 failed, 20 passed, 0 refused',
      '',
      '  FAILED ssh          flapping; passwordauthentication yes',
    ].join('\n'),
  );
  expect(presentStatus(status, 10_000_000)).toMatch(
    /^This state is 2 h 30 min old: the sensor does not run\./,
  );
});

function emptyConfig(folder: string): string {
  const path = join(folder, 'config.yaml');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, '');
  return path;
}
