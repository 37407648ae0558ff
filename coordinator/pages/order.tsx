import { deviceNames } from '../devices/list.ts';
import { OPEN_STATES } from '../orders/machine.ts';
import { cancelOrder, readOrder } from '../orders/operate.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Page } from './page.ts';
import { ActForm, Button, Card, Chip, Fact, Moment, Table } from './parts.tsx';
import { ORDER_TONES, plain } from './words.ts';

/** One order: what was asked, what became of each attempt, and what the appliance says. */
export const orderPage: Page = {
  path: '/orders/:id',
  section: '/orders',
  scope: 'read',
  live: ['steps', 'deeds', 'time'],
  async show({ coordinator, params, principal, form_token }) {
    const { order, events, log } = await readOrder(coordinator, fitting(Id, params['id'], 'the address'));
    const names = await deviceNames(coordinator, [order.device_id]);
    const takesBack =
      (order.state === 'queued' || order.state === 'handed_out') && principal.scopes.has('order');
    return {
      title: plain(order.type),
      body: (
        <>
          <div class="title">
            <h1 safe>{plain(order.type)}</h1>
            <Chip tone={ORDER_TONES[order.state]} word={plain(order.state)} />
          </div>
          <div class="columns">
            <Card id="order" title="Order">
              <dl class="facts">
                <div>
                  <dt>Appliance</dt>
                  <dd>
                    <a href={`/devices/${order.device_id}`} safe>
                      {names.get(order.device_id) ?? order.device_id}
                    </a>
                  </dd>
                </div>
                <Fact name="Reason" value={order.reason ?? 'none was given'} />
                <Fact name="Made by" value={order.created_by} />
                <div>
                  <dt>Made</dt>
                  <dd>
                    <Moment at_ms={order.created_ms} />
                  </dd>
                </div>
                <div>
                  <dt>{OPEN_STATES.includes(order.state) ? 'Ends unfetched' : 'Would have ended'}</dt>
                  <dd>
                    <Moment at_ms={order.expires_ms} />
                  </dd>
                </div>
                <Fact name="Attempt" value={`${order.attempt} of ${order.attempts_max}`} />
                <Fact name="Time for it" value={`${order.timeout_s} s`} />
                <Fact
                  name="Result"
                  value={order.result_code ?? (order.ended_ms === null ? 'none yet' : 'none')}
                />
                <Fact name="In words" value={order.result_message ?? 'nothing'} />
              </dl>
            </Card>
            <Card id="parameters" title="Parameters">
              <pre safe>{JSON.stringify(JSON.parse(order.parameters), null, 2)}</pre>
            </Card>
          </div>
          {order.result_facts === null ? (
            ''
          ) : (
            <Card id="result" title="What was observed">
              <pre safe>{JSON.stringify(JSON.parse(order.result_facts), null, 2)}</pre>
            </Card>
          )}
          <Card id="history" title="What became of it">
            <Table
              label="What became of it"
              heads={['When', 'State', 'Attempt', 'Why']}
              empty="It waits for the appliance."
              rows={events.map(({ at_ms, state, attempt, code, message }) => (
                <tr>
                  <td>
                    <Moment at_ms={at_ms} />
                  </td>
                  <td>
                    <Chip tone={ORDER_TONES[state]} word={plain(state)} />
                  </td>
                  <td>{attempt}</td>
                  <td safe>{[code, message].filter(Boolean).join(': ')}</td>
                </tr>
              ))}
            />
          </Card>
          {log.map(({ attempt, text }) => (
            <Card id={`log-${attempt}`} title={`Log of attempt ${attempt}`}>
              {/* What scrolls has to be reachable by keyboard. */}
              <pre tabindex="0" safe>
                {text}
              </pre>
            </Card>
          ))}
          {takesBack ? (
            <Card id="cancel" title="Take it back">
              <ActForm act="cancel" form_token={form_token}>
                <p>Works as long as the appliance has not accepted it.</p>
                <p>
                  <Button label="Take the order back" kind="danger" />
                </p>
              </ActForm>
            </Card>
          ) : (
            ''
          )}
        </>
      ),
    };
  },
  acts: {
    cancel: {
      scope: 'order',
      async run({ coordinator, principal, params }) {
        const id = fitting(Id, params['id'], 'the address');
        await cancelOrder(coordinator, principal.actor, id);
        return { to: `/orders/${id}`, done: 'cancelled' };
      },
    },
  },
};
