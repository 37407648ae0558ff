import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serveReleases } from '../../../test/qemu/harness/release-server.ts';
import { LINE_BYTES_PER_S } from './limits.ts';
import { openSlowLine } from './slow-line.ts';

test('a slow line carries all bytes as they are, no faster than it may, and counts them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-line-'));
  const server = await serveReleases(folder, 0);
  const line = await openSlowLine(server.port);
  try {
    const bytes = Uint8Array.from({ length: LINE_BYTES_PER_S / 10 }, (_, at) => (at * 7 + (at >> 9)) % 256);
    writeFileSync(join(folder, 'file'), bytes);
    const start_ms = performance.now();
    const answer = await fetch(`http://127.0.0.1:${line.port}/file`);
    expect(Buffer.compare(new Uint8Array(await answer.arrayBuffer()), bytes)).toBe(0);
    expect(performance.now() - start_ms).toBeGreaterThan(80);
    expect(line.carried_bytes).toBeGreaterThan(bytes.length);
    expect(line.carried_bytes).toBeLessThan(bytes.length + 2000);
  } finally {
    await line.close();
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
