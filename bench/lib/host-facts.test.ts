import { expect, test } from 'vitest';
import { processorTime_s } from './host-facts.ts';

test('processor time is counted per process, in seconds, and only while it works', async () => {
  const worker = Bun.spawn(['sh', '-c', 'while :; do :; done']);
  const sleeper = Bun.spawn(['sleep', '60']);
  try {
    await Bun.sleep(1_000);
    const worked_s = processorTime_s(worker.pid);
    // A computer with a lot to do gives it less than the whole second, never more.
    expect(worked_s).toBeGreaterThan(0.05);
    expect(worked_s).toBeLessThan(1.5);
    expect(processorTime_s(sleeper.pid)).toBeLessThan(0.05);
  } finally {
    worker.kill();
    sleeper.kill();
  }
});
