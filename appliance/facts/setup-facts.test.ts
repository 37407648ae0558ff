import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSetupFacts } from './setup-facts.ts';

let folder = '';
const file = () => join(folder, 'setup.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-setup-facts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('every failed step and every refused configuration line is a problem for the page', () => {
  writeFileSync(
    file(),
    JSON.stringify({
      ok: false,
      failures: [{ step: 'identity', reason: 'IDENTITY_DAMAGED: the key is cut short' }],
      configProblems: ['config.yaml:3: unknown key sitte_id; did you mean site_id?'],
      serial: 'ABC123',
      hardware: { board_serial: 'B1', chassis_serial: null, product_uuid: 'u-u' },
    }),
  );
  expect(readSetupFacts(file(), true)).toEqual({
    problems: [
      'Set-up of identity: IDENTITY_DAMAGED: the key is cut short',
      'Configuration: config.yaml:3: unknown key sitte_id; did you mean site_id?',
    ],
    serial: 'ABC123',
    hardware: { board_serial: 'B1', chassis_serial: null, product_uuid: 'u-u' },
  });
});

test('a missing report is a problem on an appliance and none on a workstation', () => {
  expect(readSetupFacts(file(), true).problems).toHaveLength(1);
  expect(readSetupFacts(file(), false).problems).toEqual([]);
});

test('a report of another form is told as damaged', () => {
  writeFileSync(file(), '{"failures": "none"}');
  expect(readSetupFacts(file(), true).problems).toEqual(['The report of the set-up is damaged.']);
});
