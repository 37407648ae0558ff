import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';

const backends = openBackends();
const folder = join(import.meta.dirname, '../../docs/operate/monitoring');
const text = (name: string) => readFileSync(join(folder, name), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
interface Panel {
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string }[];
}

const rules = (parse(text('prometheus-rules.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const { panels } = JSON.parse(text('grafana-dashboard.json')) as { panels: Panel[] };

/** Names of metrics as queries use them. */
const used = (expr: string) => [...expr.matchAll(/bulkhead_coordinator_\w+/g)].map(([name]) => name);

/** Names of metrics as they may be asked for, with their labels as far as there are samples. */
async function offered(url: string): Promise<{ names: Set<string>; body: string }> {
  const body = await (await fetch(`${url}/metrics`)).text();
  const names = new Set<string>();
  for (const [, name = '', type] of body.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    names.add(name);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`);
  }
  return { names, body };
}

describe.each(BACKENDS)('on %s', (backend) => {
  test('every metric that a rule or a panel asks for is there', async () => {
    const { data, url } = await backends.place(backend);
    const lab = await startLab({ data, database_url: url });
    const { names } = await offered(lab.url);
    const asked = [
      ...rules.map(({ expr }) => expr),
      ...panels.flatMap((panel) => panel.targets.map((t) => t.expr)),
    ];
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.flatMap(used).filter((name) => !names.has(name))).toEqual([]);
  });

  test('the fleet is counted as it is', async () => {
    const { data, url } = await backends.place(backend);
    const lab = await startLab({ data, database_url: url });
    const device = await approvedDevice(lab, { image_version: '1.0.0' });
    await approvedDevice(lab, { image_version: '1.0.0' });
    await device.heartbeat();
    const order = { device_id: device.id, type: 'force_checkin', parameters: {} };
    await lab.call('POST', '/api/v1/orders', order, await lab.admin());
    lab.wait(100_000);
    const { body } = await offered(lab.url);
    const value = (sample: string) =>
      Number(
        new RegExp(`^bulkhead_coordinator_${sample.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(body)?.[1],
      );
    expect(value('devices_version{version="1.0.0"}')).toBe(2);
    expect(value('devices_present{presence="online"}')).toBe(1);
    expect(value('devices_present{presence="never"}')).toBe(1);
    expect(value('orders_open{state="queued"}')).toBe(1);
    expect(value('orders_oldest_seconds{state="queued"}')).toBeGreaterThanOrEqual(100);
    expect(value('orders_oldest_seconds{state="accepted"}')).toBe(0);
    expect(value('rollouts_open{phase="braked"}')).toBe(0);
    expect(value('reports_total{kind="heartbeat"}')).toBe(1);
    expect(value('database_size_bytes')).toBeGreaterThan(50_000);
    expect(value('memory_bytes')).toBeGreaterThan(1e6);
  });
});

test('every metric that is there is in the table of the guide', async () => {
  const lab = await startLab();
  const { names } = await offered(lab.url);
  const table = text('README.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .join('\n');
  const listed = [...table.matchAll(/`(\w+)(?:\{[\w,]+\})?`/g)].map(
    (match) => `bulkhead_coordinator_${match[1]}`,
  );
  const real = [...names].filter((name) => !/_(bucket|sum|count)$/.test(name));
  expect(listed.sort()).toEqual(real.sort());
});

test('every rule says how much it weighs and what to do', () => {
  for (const { alert, expr, labels, annotations } of rules) {
    expect(alert).toMatch(/^Bulkhead[A-Z]\w+$/);
    expect(expr, alert).not.toBe('');
    expect(['critical', 'warning'], alert).toContain(labels.severity);
    expect(annotations.summary, alert).toBeTruthy();
    expect(annotations.runbook, alert).toBeTruthy();
  }
});

test('no two panels lie on each other', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});
