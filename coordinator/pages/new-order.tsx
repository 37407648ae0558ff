import {
  isOrderType,
  ORDER_TYPE_NAMES,
  ORDER_TYPES,
  type OrderType,
} from '../../protocol/orders/order-types.ts';
import { readDevice } from '../devices/list.ts';
import { createOrder, scopeOfOrder } from '../orders/operate.ts';
import { Id, Reason } from '../routes/parts.ts';
import { requestInvalid } from '../server/problem.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ParameterFields, parameterField, readParameters } from './parameter-fields.tsx';
import { ActForm, Button, Card, Choice, Field } from './parts.tsx';
import { deviceName, plain } from './words.ts';

/** An order for one appliance: first its type, then what that type asks for. */
export const newOrderPage: Page = {
  path: '/devices/:id/order',
  section: '/orders',
  scope: 'order',
  async show(look) {
    const device = await readDevice(look.coordinator, fitting(Id, look.params['id'], 'the address'));
    const type = chosenType(look);
    const types = ORDER_TYPE_NAMES.filter((name) => look.principal.scopes.has(scopeOfOrder(name)));
    return {
      title: 'Give an order',
      body: (
        <>
          <h1>
            An order for{' '}
            <a href={`/devices/${device.id}`} safe>
              {deviceName(device)}
            </a>
          </h1>
          <Card id="type" title="What is to be done">
            <form method="get" class="row">
              <Choice
                label="Type"
                name="type"
                value={type}
                options={types.map((name) => [name, plain(name)])}
              />
              <p>
                <Button label="Choose" kind={type === undefined ? undefined : 'quiet'} />
              </p>
            </form>
          </Card>
          {type === undefined ? '' : <OrderForm look={look} type={type} />}
        </>
      ),
    };
  },
  acts: {
    order: {
      scope: (fields) => scopeOfOrder(fields.text('type') ?? ''),
      async run({ coordinator, principal, params, fields }) {
        const device_id = fitting(Id, params['id'], 'the address');
        const type = fields.required('type');
        if (!isOrderType(type)) throw requestInvalid(`there is no order '${type.slice(0, 60)}'`);
        // Some types carry a reason to the appliance; it is the same one.
        const reason = fields.text('reason') ?? fields.text(parameterField('reason'));
        const wanted = {
          ...{ device_id, type, parameters: readParameters(ORDER_TYPES[type].parameters, fields) },
          reason: reason === undefined ? undefined : fitting(Reason, reason, 'the reason'),
        };
        const order = await coordinator.doWork((work) =>
          createOrder(coordinator, work, principal.actor, wanted),
        );
        return { to: `/orders/${order.id}`, done: 'ordered' };
      },
    },
  },
};

function chosenType({ query, fields }: Look): OrderType | undefined {
  const name = fields.text('type') ?? query.text('type');
  return name !== undefined && isOrderType(name) ? name : undefined;
}

function OrderForm({ look, type }: { look: Look; type: OrderType }) {
  const { parameters, complete_when, attempts_max, timeout_s } = ORDER_TYPES[type];
  const asksReason = 'reason' in (parameters['properties'] as object);
  return (
    <Card id="order" title={plain(type)}>
      <ActForm act="order" form_token={look.form_token}>
        <p class="faint" safe>
          {`It is done when ${complete_when}. ${attempts_max === 1 ? 'One attempt' : `Up to ${attempts_max} attempts`}, ${timeout_s} s each.`}
        </p>
        <input type="hidden" name="type" value={type} />
        <ParameterFields schema={parameters} fields={look.fields} />
        {asksReason ? (
          ''
        ) : (
          <Field
            label="Reason"
            name="reason"
            value={look.fields.text('reason')}
            note="for who looks at the orders later; may be left out"
          />
        )}
        <p>
          <Button label="Give the order" />
        </p>
      </ActForm>
    </Card>
  );
}
