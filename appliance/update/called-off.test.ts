import { afterEach, expect, test } from 'vitest';

let child: Bun.Subprocess<'ignore', 'pipe', 'inherit'> | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** A process that takes a moment to end in good order, with status 7. */
async function start() {
  const module = new URL('./called-off.ts', import.meta.url).href;
  const program = `
    const { calledOffBySignals } = await import(${JSON.stringify(module)});
    const { signal } = calledOffBySignals();
    signal.onabort = () => { console.log('called off'); setTimeout(() => process.exit(7), 300); };
    console.log('ready');
    setInterval(() => {}, 1000);`;
  child = Bun.spawn([process.execPath, '-e', program], {
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const reader = child.stdout.getReader();
  const said = async (word: string) => {
    let text = '';
    while (!text.includes(word)) text += new TextDecoder().decode((await reader.read()).value);
  };
  await said('ready');
  return { child, said };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s calls it off, and the end is orderly', async (signal) => {
  const started = await start();
  started.child.kill(signal);
  expect(await started.child.exited).toBe(7);
});

test('a second SIGTERM does not cut the orderly end short', async () => {
  const started = await start();
  started.child.kill('SIGTERM');
  await started.said('called off');
  started.child.kill('SIGTERM');
  expect(await started.child.exited).toBe(7);
});

test('a second SIGINT does', async () => {
  const started = await start();
  started.child.kill('SIGINT');
  await started.said('called off');
  started.child.kill('SIGINT');
  await started.child.exited;
  expect(started.child.signalCode).toBe('SIGINT');
});
