import { readFileSync } from 'node:fs';
import { Value } from '@sinclair/typebox/value';
import { expect, it } from 'vitest';
import { environmentLayer } from './environment.ts';
import { mergeLayers } from './layers.ts';
import { configReference, formatConfig, shownKeys } from './present.ts';
import { annotation, builtInConfig, CONFIG_KEYS, ConfigSchema } from './schema.ts';
import { editDistance, nearestKey } from './suggest.ts';

const { values } = environmentLayer({
  BULKHEAD_NETWORK_WIFI: '{ssid: home, passphrase: hunter2-hunter2}',
  BULKHEAD_COORDINATOR_PROVISION_CODE: 'qa33 50d8 fnwj v5nd',
  POLL_INTERVAL: '30',
});
const loaded = { ...mergeLayers([{ layer: 'environment', values }]), problems: [], refused: [] };

it('shows no secret, in any form', () => {
  for (const shown of [formatConfig(loaded), JSON.stringify(shownKeys(loaded))]) {
    expect(shown).toContain('home');
    expect(shown).toContain('********');
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain('v5nd');
  }
  expect(loaded.config.coordinator.provision_code).toBe('qa33 50d8 fnwj v5nd');
  expect(loaded.config.network.wifi?.passphrase).toBe('hunter2-hunter2');
});

it('prints each key with its value and origin, problems first', () => {
  const text = formatConfig({
    ...loaded,
    problems: [{ severity: 'error', source: 'c.yaml', line: 3, key: 'hostname', message: 'wrong' }],
    refused: ['device'],
  });
  expect(text.split('\n').slice(0, 2)).toEqual([
    '! c.yaml:3: hostname: wrong',
    '! the device layer is not in force until this is corrected',
  ]);
  expect(text).toMatch(/^coordinator\.poll_interval_s +30 +environment: POLL_INTERVAL$/m);
  expect(text).toMatch(/^site_id +null +built-in$/m);
});

it('has a meaning, an expectation and a valid default for every key', () => {
  expect(Value.Check(ConfigSchema, builtInConfig())).toBe(true);
  for (const [key, schema] of CONFIG_KEYS) {
    expect(annotation(schema, 'description'), key).toBeTruthy();
    expect(annotation(schema, 'expects'), key).toBeTruthy();
  }
});

it('is documented: the page holds the table that `bulkhead config keys` prints', () => {
  const page = readFileSync(new URL('../../docs/reference/configuration.md', import.meta.url), 'utf8');
  expect(page, 'put the output of `bulkhead config keys` into docs/reference/configuration.md').toContain(
    configReference(),
  );
});

it('guesses the key that was meant, or none', () => {
  expect(nearestKey('coordinater.url')).toBe('coordinator.url');
  expect(nearestKey('pollInterval')).toBe('coordinator.poll_interval_s');
  expect(nearestKey('mcp_url')).toBe('coordinator.url');
  expect(nearestKey('time.server')).toBe('time.servers');
  expect(nearestKey('colour')).toBeUndefined();
  expect(editDistance('kitten', 'sitting')).toBe(3);
});
