import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { runCommandLine } from '../../base/command-line.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { openBook } from '../orders/book.ts';
import { BOOK_FILE } from '../orders/book-table.ts';
import { makeOrder, NOW_MS, orderId } from '../orders/lab/order-lab.ts';
import { registerOrders } from './orders.ts';

async function orders(...args: string[]) {
  const said = { out: '', err: '', code: 0 };
  const io = {
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
    setExitCode: (code: number) => {
      said.code = code;
    },
  };
  await runCommandLine(
    new Command('bulkhead'),
    (program) => registerOrders(program, io),
    ['orders', ...args],
    io,
  );
  return said;
}

test('the orders of an appliance are shown latest first, with what went wrong', async () => {
  const folder = makeFolder('agent');
  const book = openBook(join(folder, BOOK_FILE), () => undefined);
  book.accept(makeOrder('reboot'), NOW_MS);
  const failed = makeOrder('update', { id: orderId(2) });
  book.accept(failed, NOW_MS + 1);
  book.end(failed, NOW_MS + 2000, { state: 'failed', code: 'FETCH_NOT_FOUND', message: 'nobody has it' });
  book.close();
  expect((await orders('--folder', folder)).out.split('\n')).toEqual([
    `2026-11-21T12:00:02.000Z  failed     update          ${orderId(2)}/1  (not told yet)`,
    '    FETCH_NOT_FOUND: nobody has it',
    `2026-11-21T12:00:00.000Z  accepted   reboot          ${orderId()}/1`,
    '',
  ]);
  const { out } = await orders('--folder', folder, '--json');
  expect(JSON.parse(out)).toMatchObject([{ type: 'update', code: 'FETCH_NOT_FOUND' }, { type: 'reboot' }]);
});

test('where there is no book, that is said', async () => {
  const { code, err } = await orders('--folder', makeFolder('none'));
  expect([code, err]).toEqual([1, expect.stringContaining('ORDER_BOOK_UNREADABLE')]);
});
