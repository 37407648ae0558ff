import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UPDATE_STATES } from '../base/update-states.ts';
import { connectedStatus } from './example-link.ts';
import { downloadingStatus, healthyStatus, trialStatus } from './example-status.ts';
import {
  EVENT_BACKLOG_MAX,
  EVENT_CLIENTS_MAX,
  EVENT_HEARTBEAT_MS,
  EVENT_RETRY_MS,
  PAGE_MAX_BYTES,
  SOURCE_TIMEOUT_MS,
} from './limits.ts';
import { exampleSite } from './site/example-site.ts';
import { createStatusApp } from './status-app.ts';
import { testSource } from './test-source.ts';

/** docs/reference/status-api.md says what the program does. */

const text = readFileSync(new URL('../docs/reference/status-api.md', import.meta.url), 'utf8');

test('the reference names every metric, and no other', async () => {
  const known = new Set<string>();
  for (const status of [healthyStatus(), trialStatus(), downloadingStatus(), connectedStatus()]) {
    const app = createStatusApp({
      source: testSource(status),
      site: { report: async () => exampleSite(), admit: async () => {} },
    });
    const metrics = await (await app.handle(new Request('http://localhost/metrics'))).text();
    for (const [, name] of metrics.matchAll(/^# TYPE (\S+)/gm)) if (name) known.add(name);
    app.close();
  }
  const named = new Set([...text.matchAll(/`(bulkhead_[a-z_]+)/g)].map((match) => match[1]));
  expect([...named].sort()).toEqual([...known].sort());
});

test('the reference names every code that the sources give', () => {
  const sources = ['problem.ts', 'serve.ts']
    .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
    .join('\n');
  const given = new Set([...sources.matchAll(/'(STATUS_[A-Z_0-9]+)'/g)].map((match) => match[1]));
  const named = new Set([...text.matchAll(/`(STATUS_[A-Z_0-9]+)`/g)].map((match) => match[1]));
  expect([...named].sort()).toEqual([...given].sort());
});

test('the reference gives the limits as they are', () => {
  expect(text).toContain(`within ${SOURCE_TIMEOUT_MS / 1000} s`);
  expect(text).toContain(`all ${EVENT_CLIENTS_MAX} live streams`);
  expect(text).toContain(`at least every ${EVENT_HEARTBEAT_MS / 1000} s`);
  expect(text).toContain(`more than ${EVENT_BACKLOG_MAX} events behind`);
  expect(text).toContain(`retry: ${EVENT_RETRY_MS}`);
  expect(text).toContain(`under ${PAGE_MAX_BYTES / 1024} KiB`);
});

test('the reference names every state of an update', () => {
  const row = text.split('\n').find((line) => line.startsWith('| `bulkhead_update_state`')) ?? '';
  expect(row).toContain(UPDATE_STATES.join(', '));
});
