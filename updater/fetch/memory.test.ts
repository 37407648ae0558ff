import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { rawServer } from './lab/raw-server.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 200 * MIB;
/** What the runtime takes for its heap and socket buffers while bytes rush through; a third of the body would show. */
const GROWTH_MAX_BYTES = 60 * MIB;

/** Reads a body in a process of its own, slower than it could come, and prints how much its memory grew. */
const READER = `
const { httpSource } = await import(process.argv[1]);
const source = httpSource([process.argv[2]], { limit_bytes_per_s: ${160 * MIB} });
let got = 0;
let least = Infinity;
let most = 0;
for await (const part of source.read(0, ${SIZE_BYTES})) {
  got += part.length;
  const rss = process.memoryUsage.rss();
  least = Math.min(least, rss);
  most = Math.max(most, rss);
}
await source.close();
console.log(JSON.stringify({ got, growth: most - least }));
`;

test('reading 200 MiB slower than they come takes no memory for them', async () => {
  const part = new Uint8Array(256 * 1024);
  const server = await rawServer((socket) => {
    let sent_bytes = 0;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE_BYTES}\r\n\r\n`);
    const more = () => {
      while (sent_bytes < SIZE_BYTES) {
        sent_bytes += part.length;
        if (!socket.write(part)) return;
      }
    };
    socket.on('drain', more);
    more();
  });
  const source = join(import.meta.dirname, 'http-source.ts');
  const said = await runOrThrow(run, process.execPath, ['-e', READER, source, server.url]);
  await server.stop();
  const { got, growth } = JSON.parse(said) as { got: number; growth: number };
  expect(got).toBe(SIZE_BYTES);
  expect(growth).toBeLessThan(GROWTH_MAX_BYTES);
});
