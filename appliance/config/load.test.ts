import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { environmentLayer, variableOf } from './environment.ts';
import { loadConfig } from './load.ts';
import { formatProblem } from './problem.ts';
import { CONFIG_KEYS } from './schema.ts';

function files(image: string | Uint8Array | null, device: string | Uint8Array | null) {
  const folder = makeFolder('config');
  const sources = {
    imageFile: join(folder, 'image.yaml'),
    deviceFile: join(folder, 'device.yaml'),
    environment: {} as Record<string, string>,
  };
  if (image !== null) writeFileSync(sources.imageFile, image);
  if (device !== null) writeFileSync(sources.deviceFile, device);
  return sources;
}

it('says of every key where its value came from', () => {
  const sources = files(
    'time:\n  servers: [10.0.0.1]\n  zone: Europe/Berlin\n',
    '# mine\ntime: {zone: Asia/Tokyo}\n',
  );
  sources.environment = { MCP_URL: 'https://c.example.org', SITE_ID: '42', UNRELATED: 'x' };
  const { config, origins, problems, refused } = loadConfig(sources);
  expect(problems).toEqual([]);
  expect(refused).toEqual([]);
  expect(config.time).toEqual({ zone: 'Asia/Tokyo', servers: ['10.0.0.1'] });
  expect(config.coordinator.url).toBe('https://c.example.org');
  expect(config.site_id).toBe('42');
  expect(Object.keys(origins)).toEqual([...CONFIG_KEYS.keys()]);
  expect(origins['time.servers']).toEqual({ layer: 'image', source: sources.imageFile, line: 2 });
  expect(origins['time.zone']).toEqual({ layer: 'device', source: sources.deviceFile, line: 2 });
  expect(origins['coordinator.url']).toEqual({
    layer: 'environment',
    source: 'MCP_URL',
    line: null,
  });
  expect(origins['hostname']).toEqual({ layer: 'built-in', source: 'built-in', line: null });
});

it('runs on the layers below when the device layer is wrong, and says so', () => {
  const sources = files(
    'site_id: from-image\n',
    'site_id: from-device\nnetwork: {interfaces: [{mtach: eth0}]}\n',
  );
  const { config, problems, refused } = loadConfig(sources);
  expect(config.site_id).toBe('from-image');
  expect(config.network.interfaces).toEqual([]);
  expect(refused).toEqual(['device']);
  expect(problems.map(formatProblem)).toContain(
    `${sources.deviceFile}:2: network.interfaces[0].mtach: unknown key; did you mean 'match'?`,
  );
});

it('takes a missing file for an empty layer, and anything it cannot read for a problem', () => {
  expect(loadConfig(files(null, null)).problems).toEqual([]);
  for (const bytes of [new Uint8Array([0xff, 0xfe, 0x41]), new Uint8Array(70_000)]) {
    expect(loadConfig(files(null, bytes))).toMatchObject({
      refused: ['device'],
      problems: [{ severity: 'error' }],
    });
  }
  const sources = files(null, null);
  mkdirSync(sources.deviceFile);
  expect(loadConfig(sources)).toMatchObject({ refused: ['device'], problems: [{ severity: 'error' }] });
});

it('reads lists and numbers from variables as YAML, and leaves out what is wrong', () => {
  const { values, problems } = environmentLayer({
    POLL_INTERVAL: '30',
    BULKHEAD_TIME_SERVERS: '[10.0.0.1, ntp.example.org]',
    BULKHEAD_HOSTNAME: 'Not Valid',
    BULKHEAD_TIME_ZNE: 'UTC',
    BULKHEAD_SSH_AUTHORIZED_KEYS: '[',
    BULKHEAD_NETWORK_INTERFACES: '&a [*a]',
    MCP_URL: '',
    SITE_ID: '0123',
  });
  expect([...values].map(([key, { value }]) => [key, value])).toEqual([
    ['coordinator.poll_interval_s', 30],
    ['time.servers', ['10.0.0.1', 'ntp.example.org']],
    ['site_id', '0123'],
  ]);
  expect(problems.map(formatProblem)).toEqual([
    "environment variable BULKHEAD_HOSTNAME: warning: hostname: left out: 'Not Valid' is not a host name of one part: 1 to 63 lower-case letters, digits and '-'",
    'environment variable BULKHEAD_TIME_ZNE: warning: sets nothing; did you mean BULKHEAD_TIME_ZONE?',
    'environment variable BULKHEAD_SSH_AUTHORIZED_KEYS: warning: ssh.authorized_keys: left out: not valid YAML',
    'environment variable BULKHEAD_NETWORK_INTERFACES: warning: network.interfaces: left out: anchors and aliases (&, *) are not read here: write the value out',
  ]);
});

it('has one variable for each key, so that no two keys meet in one', () => {
  const names = [...CONFIG_KEYS.keys()].map(variableOf);
  expect(new Set(names).size).toBe(names.length);
});
