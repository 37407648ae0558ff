import type { OrderRow } from '../database/tables.ts';
import { Ago, Chip, Table } from './parts.tsx';
import { ORDER_TONES, plain } from './words.ts';

/** Orders in one line each. @param props `names` of the appliances by id; null leaves them out */
export function OrderTable(props: {
  orders: readonly OrderRow[];
  names: ReadonlyMap<string, string> | null;
  now_ms: number;
}) {
  const { names } = props;
  return (
    <Table
      label="Orders"
      heads={['Order', ...(names ? ['Appliance'] : []), 'State', 'Attempt', 'Made', 'Result']}
      empty="There is none."
      rows={props.orders.map((order) => (
        <tr>
          <td>
            <a href={`/orders/${order.id}`} safe>
              {plain(order.type)}
            </a>
            {order.reason === null ? (
              ''
            ) : (
              <small class="faint" safe>
                {order.reason}
              </small>
            )}
          </td>
          {names ? (
            <td>
              <a href={`/devices/${order.device_id}`} safe>
                {names.get(order.device_id) ?? order.device_id}
              </a>
            </td>
          ) : (
            ''
          )}
          <td>
            <Chip tone={ORDER_TONES[order.state]} word={plain(order.state)} />
          </td>
          <td safe>{`${order.attempt} of ${order.attempts_max}`}</td>
          <td>
            <Ago at_ms={order.created_ms} now_ms={props.now_ms} />{' '}
            <small class="faint" safe>
              {order.created_by}
            </small>
          </td>
          <td safe>{[order.result_code, order.result_message].filter(Boolean).join(': ')}</td>
        </tr>
      ))}
    />
  );
}
