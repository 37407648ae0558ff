import { expect, test } from 'vitest';
import { healthyStatus, unhealthyStatus } from '../../status-page/example-status.ts';
import { describeHealth, parseStatus } from './health.ts';

const URL = 'http://localhost:8080';

test('a healthy appliance is named with page, slot, version and health', () => {
  const status = healthyStatus();
  const health = describeHealth(URL, status);
  expect(health.healthy).toBe(true);
  expect(health.lines.join('\n')).toBe(
    [
      `Status page  ${URL}`,
      `Appliance    ${status.identity.hostname}`,
      `Slot         ${status.boot.slot} (normal, attempt ${status.boot.attempt})`,
      `Version      ${status.version.running}`,
      'Health       healthy',
    ].join('\n'),
  );
});

test('an unhealthy one is explained by its verdict and the decisive checks that failed', () => {
  const status = unhealthyStatus();
  const [verdict] = status.health.verdicts;
  const failed = verdict?.checks.filter((check) => check.outcome === 'fail') ?? [];
  const { healthy, reason } = describeHealth(URL, status);
  expect(healthy).toBe(false);
  expect(reason).toContain(verdict?.reason);
  expect(failed.some((check) => check.decisive)).toBe(true);
  for (const check of failed) expect(reason.includes(check.message)).toBe(check.decisive);
});

test('no verdict yet is not healthy', () => {
  const health = { outcome: 'pending' as const, verdicts: [] };
  expect(describeHealth(URL, { ...healthyStatus(), health })).toMatchObject({
    healthy: false,
    reason: 'the health gate has not judged this boot yet',
  });
});

test('an answer that is no status is refused with the place where it differs', () => {
  expect(parseStatus(JSON.stringify(healthyStatus()))).toEqual(healthyStatus());
  const broken = { ...healthyStatus(), health: { outcome: 'fine', verdicts: [] } };
  expect(() => parseStatus(JSON.stringify(broken))).toThrow(/health\/outcome/);
  expect(() => parseStatus('{}')).toThrow('status is invalid');
});
