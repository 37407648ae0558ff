import { formatBytes } from '../../base/text.ts';
import type { ChainStanding } from '../evidence/list.ts';
import { Ago, Card, Chip } from './parts.tsx';

/** What an appliance has put on record, and whether it contradicts itself. */
export function EvidenceCard({ chains, now_ms }: { chains: readonly ChainStanding[]; now_ms: number }) {
  const [newest] = chains;
  const trouble = chains.find((chain) => chain.trouble !== null)?.trouble ?? null;
  const kept_bytes = chains.reduce((sum, chain) => sum + chain.kept_bytes, 0);
  if (newest === undefined)
    return (
      <Card id="evidence" title="Evidence">
        <p class="faint">It has sent no checkpoint of its evidence.</p>
      </Card>
    );
  return (
    <Card id="evidence" title="Evidence">
      {trouble === null ? (
        ''
      ) : (
        <p>
          <Chip tone="bad" word="contradicts itself" /> <span safe>{trouble}</span>
        </p>
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
