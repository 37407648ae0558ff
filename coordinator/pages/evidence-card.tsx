import { formatBytes } from '../../base/text.ts';
import type { ChainStanding } from '../evidence/list.ts';
import { ActForm, Ago, Button, Card, Chip, Field } from './parts.tsx';

interface EvidenceShown {
  chains: readonly ChainStanding[];
  now_ms: number;
  /** null: whoever looks may not act. */
  form_token: string | null;
}

const SETTLING =
  'Once it is known why. The chain goes on from here; what was countersigned stays, and shows the contradiction for ever.';

/** What an appliance has put on record, and whether it contradicts itself. */
export function EvidenceCard({ chains, now_ms, form_token }: EvidenceShown) {
  const [newest] = chains;
  const wrong = chains.find((chain) => chain.trouble !== null) ?? null;
  const kept_bytes = chains.reduce((sum, chain) => sum + chain.kept_bytes, 0);
  if (newest === undefined)
    return (
      <Card id="evidence" title="Evidence">
        <p class="faint">It has sent no checkpoint of its evidence.</p>
      </Card>
    );
  return (
    <Card id="evidence" title="Evidence">
      {wrong === null ? (
        ''
      ) : (
        <p>
          <Chip tone="bad" word="contradicts itself" /> <span safe>{wrong.trouble ?? ''}</span>
        </p>
      )}
      {wrong === null || form_token === null ? (
        ''
      ) : (
        <ActForm act="settle" form_token={form_token} class="row">
          <input type="hidden" name="chain" value={wrong.chain} />
          <Field label="Reason" name="reason" value={undefined} note={SETTLING} required />
          <p>
            <Button label="Settle" kind="danger" />
          </p>
        </ActForm>
      )}
      <dl class="facts">
        <div>
          <dt>Countersigned</dt>
          <dd>
            record <span safe>{String(newest.last_seq ?? 'none')}</span>,{' '}
            <Ago at_ms={newest.last_ms} now_ms={now_ms} />
          </dd>
        </div>
        <div>
          <dt>Chain</dt>
          <dd class="mono" safe>
            {newest.chain}
          </dd>
        </div>
        <div>
          <dt>Kept here</dt>
          <dd safe>{formatBytes(kept_bytes)}</dd>
        </div>
      </dl>
    </Card>
  );
}
