import { OneOf } from '../../base/schema.ts';
import type { OrderState } from '../database/tables.ts';
import { deviceNames } from '../devices/list.ts';
import { BOARD_PAGE } from '../limits.ts';
import { DEAD_STATES } from '../orders/machine.ts';
import { countOrders, listOrders } from '../orders/operate.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import { OrderTable } from './order-table.tsx';
import type { Page } from './page.ts';
import { Card, Pages, Tabs } from './parts.tsx';
import { linkTo } from './words.ts';

const BOARDS = ['queued', 'handed_out', 'accepted', 'dead', 'succeeded', 'cancelled', 'all'] as const;
type Board = (typeof BOARDS)[number];

const TITLES: Readonly<Record<Board, string>> = {
  queued: 'Queued',
  handed_out: 'Handed out',
  accepted: 'At work',
  dead: 'Dead letters',
  succeeded: 'Done',
  cancelled: 'Taken back',
  all: 'All',
};

/** Every order by what became of it. */
export const ordersPage: Page = {
  path: '/orders',
  section: '/orders',
  scope: 'read',
  live: ['steps', 'deeds', 'time'],
  async show({ coordinator, query }) {
    const device_id = optionalId(query.text('device_id'));
    const before = optionalId(query.text('before'));
    const board = fitting(OneOf(BOARDS), query.text('board') ?? 'all', 'the board');
    const orders = await listOrders(coordinator, {
      ...statesOf(board),
      device_id,
      before,
      limit: BOARD_PAGE + 1,
    });
    const shown = orders.slice(0, BOARD_PAGE);
    const names = await deviceNames(coordinator, [
      ...shown.map((order) => order.device_id),
      ...(device_id ? [device_id] : []),
    ]);
    const counts = device_id === undefined ? await countOrders(coordinator) : undefined;
    const here = (more: Record<string, string | undefined>) =>
      linkTo('/orders', { board, device_id, ...more });
    return {
      title: 'Orders',
      body: (
        <>
          <h1>Orders</h1>
          <Card
            id="board"
            title={
              device_id === undefined
                ? TITLES[board]
                : `${TITLES[board]}, of ${names.get(device_id) ?? device_id}`
            }
          >
            <div class="stack">
              <Tabs
                label="Boards"
                tabs={BOARDS.map((name) => ({
                  href: here({ board: name }),
                  title: TITLES[name] + (counts ? ` (${countOf(name, counts).toLocaleString('en')})` : ''),
                  current: name === board,
                }))}
              />
              <OrderTable orders={shown} names={names} now_ms={coordinator.now_ms()} />
            </div>
            <Pages
              what="Pages of orders"
              first={before === undefined ? null : here({})}
              next={orders.length > BOARD_PAGE ? here({ before: shown.at(-1)?.id }) : null}
            />
          </Card>
        </>
      ),
    };
  },
};

function statesOf(board: Board): { state?: OrderState; dead?: boolean } {
  if (board === 'all') return {};
  return board === 'dead' ? { dead: true } : { state: board };
}

function countOf(board: Board, counts: ReadonlyMap<OrderState, number>): number {
  const states = board === 'all' ? [...counts.keys()] : board === 'dead' ? DEAD_STATES : [board];
  return states.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0);
}

function optionalId(text: string | undefined): string | undefined {
  return text === undefined ? undefined : fitting(Id, text, 'the address');
}
