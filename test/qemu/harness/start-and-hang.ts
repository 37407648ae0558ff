import { startMachine } from './start-machine.ts';

/** For the test that kills it (argument: log folder): starts a machine, prints the process id of QEMU, and never ends by itself. */
const [logFolder = ''] = process.argv.slice(2);
const machine = await startMachine({
  name: 'orphan',
  memory_mb: 64,
  queue: false,
  network: 'none',
  logFolder,
});
process.stdout.write(`${machine.pid}\n`);
await new Promise(() => {});
