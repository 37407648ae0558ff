import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../test/unit/make-folder.ts';
import { BulkheadError, describeError, errorLines } from './errors.ts';

const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('an error is told with its code, its causes and what to do', () => {
  const cause = new BulkheadError('DISK_GONE', 'no disk answers', { cause: new Error('EIO') });
  const error = new BulkheadError('SLOT_UNREAD', 'slot A cannot be read', {
    cause,
    hint: 'replace the disk',
  });
  expect(errorLines(error)).toBe(
    'error: SLOT_UNREAD: slot A cannot be read (because: DISK_GONE: no disk answers (because: EIO))\n       replace the disk\n',
  );
  expect(describeError('thrown as text')).toBe('thrown as text');
});

test('a connection that nobody takes is told in words about this machine, not about typing a URL', async () => {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  const url = `http://127.0.0.1:${server.port}/`;
  await server.stop(true);
  expect(describeError(await thrownBy(fetch(url)))).toBe('nobody listens there (ECONNREFUSED)');
  const unix = join(makeFolder('errors'), 'none.sock');
  expect(describeError(await thrownBy(fetch('http://site.local/', { unix })))).toBe(
    'there is no such socket (ENOENT)',
  );
});
