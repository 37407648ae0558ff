import { afterEach, expect, test } from 'vitest';
import { readManifest } from './fixtures/image.ts';
import { Box } from './running/box.ts';

/** A machine whose clock battery is dead: it starts in 2011, when the certificates of today are not valid yet. */

let box: Box | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') box?.machine.keepLogs();
  await box?.stop();
});

test('a clock of 2011 is set to the time of the image at least, and after a restart to the time that was last known', async () => {
  box = await Box.start('clock', { rtcBase: '2011-01-01T00:00:00' });
  const built_ms = Date.parse(readManifest().built_at);
  const status = await box.appliance.judged();
  expect(status.health.outcome).toBe('healthy');
  expect(status.health.verdicts[0]?.checks.find(({ name }) => name === 'clock')).toMatchObject({
    outcome: 'pass',
  });
  // The image knows the day of its packages; that of its build may be later by what a build takes.
  expect(Date.parse(status.time.now)).toBeGreaterThan(built_ms - DAY_MS);
  expect(status.boot.attempt).toBe(1);
  expect(await box.sh('systemctl is-active systemd-timesyncd')).toBe('active');
  expect(status.time.server ?? (await box.sh('timedatectl show-timesync -P FallbackNTPServers'))).not.toBe(
    '',
  );

  // An appliance that has run for weeks must not fall back to the day of its image.
  const weeks_ms = 21 * DAY_MS;
  await box.sh(`date -s @${Math.floor((Date.parse(status.time.now) + weeks_ms) / 1000)}`);
  const next = await box.restart();
  expect(next.health.outcome).toBe('healthy');
  expect(Date.parse(next.time.now)).toBeGreaterThan(Date.parse(status.time.now) + weeks_ms);
});

const DAY_MS = 24 * 60 * 60_000;
