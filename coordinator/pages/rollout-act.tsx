import { OneOf } from '../../base/schema.ts';
import { ACTIONS, type RolloutAction } from '../rollouts/intent.ts';
import type { Plan } from '../rollouts/plan.ts';
import { foreseeAction, readRollout } from '../rollouts/run/look.ts';
import { actOnRollout } from '../rollouts/run/operate.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card } from './parts.tsx';
import { rolloutId } from './rollout.tsx';
import { ACTION_WORDS, GRAVE_ACTIONS } from './rollout-words.ts';
import { countText } from './words.ts';

/** The step before something is done with a rollout: what will come of it, with counts. */
export const rolloutActPage: Page = {
  path: '/rollouts/:id/:action',
  section: '/rollouts',
  scope: 'rollout',
  async show(look) {
    const { coordinator, form_token } = look;
    const [id, action] = [rolloutId(look), actionOf(look)];
    const rollout = await readRollout(coordinator, id);
    const { label, effect } = ACTION_WORDS[action];
    const plan = look.problem === null ? await foreseeAction(coordinator, id, action) : null;
    return {
      title: `${label}: ${rollout.name}`,
      body: (
        <>
          <h1>
            <span safe>{label}</span>:{' '}
            <a href={`/rollouts/${id}`} safe>
              {rollout.name}
            </a>
          </h1>
          <Card id="effect" title="What will happen">
            <div class="stack">
              <p safe>{effect}</p>
              {plan === null ? '' : <Consequences plan={plan} version={rollout.version} />}
              <ActForm act="confirm" form_token={form_token} class="row">
                <Button
                  label={`Yes: ${label.toLowerCase()}`}
                  kind={GRAVE_ACTIONS.includes(action) ? 'danger' : undefined}
                />
                <a class="button quiet" href={`/rollouts/${id}`}>
                  No, go back
                </a>
              </ActForm>
            </div>
          </Card>
        </>
      ),
    };
  },
  acts: {
    confirm: {
      scope: 'rollout',
      async run(look) {
        const [id, action] = [rolloutId(look), actionOf(look)];
        await actOnRollout(look.coordinator, look.principal.actor, id, action);
        return { to: `/rollouts/${id}`, done: `rollout_${action}` };
      },
    },
  },
};

const actionOf = ({ params }: Look): RolloutAction =>
  fitting(OneOf(ACTIONS), params['action'], 'the address');

function Consequences({ plan, version }: { plan: Plan; version: string }) {
  return (
    <ul class="sentences">
      {foreseen(plan, version).map((sentence) => (
        <li safe>{sentence}</li>
      ))}
    </ul>
  );
}

/** What the next plan would do, counted. */
function foreseen(plan: Plan, version: string): string[] {
  const { members, orders, withdrawals, reasons } = plan;
  const has = (state: string) => [...members.values()].filter((member) => member.state === state).length;
  const updates = orders.filter(({ type }) => type === 'update').length;
  const returns = orders.length - updates;
  const atWork = has('ordered') + has('reverting') - orders.length;
  return [
    members.size === 0
      ? 'Nobody in the fleet has a part in it.'
      : `${countText(members.size, 'appliance')} ${members.size === 1 ? 'has' : 'have'} a part in it: ${has('succeeded')} succeeded with ${version}, ${has('failed')} failed.`,
    updates > 0 ? `${countText(updates, 'appliance')} will be ordered to update at once.` : '',
    returns > 0 ? `${countText(returns, 'appliance')} will be ordered to go back at once.` : '',
    orders.length === 0 ? 'Nobody is given an order at once.' : '',
    withdrawals.length > 0
      ? `${countText(withdrawals.length, 'order')} that nobody has fetched will be taken back.`
      : '',
    atWork > 0
      ? `${countText(atWork, 'appliance')} that ${atWork === 1 ? 'has' : 'have'} an order already will finish.`
      : '',
    ...(reasons.length > 0 ? [`The next plan says: ${reasons.join('; ')}.`] : []),
  ].filter((sentence) => sentence !== '');
}
