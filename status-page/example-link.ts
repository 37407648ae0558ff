import { healthyStatus } from './example-status.ts';
import type { LinkSection } from './link-section.ts';
import type { Status } from './status.ts';

/** Appliances with a coordinator, as they look in real life; see example-status.ts. */

const QUIET: LinkSection = {
  state: 'connected',
  code: null,
  codeExpiresAt: null,
  provision: 'none',
  lastContactAt: '2026-11-21T11:17:31.020Z',
  clockOffset_ms: 12,
  agent: 'current',
  waiting: {
    records: 0,
    oldestAt: null,
    memoryOnly: null,
    dropped: { log: 0, state: 0, refused: 0 },
  },
};

function withLink(
  link: Partial<LinkSection>,
  message: string,
  more: Partial<Status['coordinator']> = {},
): Status {
  const base = healthyStatus();
  return {
    ...base,
    coordinator: {
      configured: true,
      url: 'https://coordinator.example.net',
      reachable: true,
      failingStage: null,
      checkedAt: '2026-11-21T11:17:44Z',
      message,
      link: { ...QUIET, ...link },
      ...more,
    },
  };
}

/** Let in, and nothing to tell. */
export function connectedStatus(): Status {
  return withLink({}, 'connected');
}

/** Unpacked today: somebody has to approve it. */
export function pendingStatus(): Status {
  return withLink(
    {
      ...{ state: 'pending', code: 'QA33-50D8-FNWJ-V5ND', codeExpiresAt: '2026-11-22T11:02:00.000Z' },
      ...{ provision: 'refused', agent: null },
      waiting: { ...QUIET.waiting, records: 2, oldestAt: '2026-11-21T11:02:00.000Z' },
    },
    'waits for approval with code QA33-50D8-FNWJ-V5ND',
  );
}

/** Sent away by an operator, with a broken disk and a long queue besides. */
export function turnedAwayStatus(): Status {
  return withLink(
    {
      state: 'refused',
      agent: 'outdated',
      clockOffset_ms: -86_400_000,
      waiting: {
        records: 15_000,
        oldestAt: '2026-11-01T00:00:00.000Z',
        memoryOnly: 'what waits is lost with a restart: disk I/O error',
        dropped: { log: 812, state: 3, refused: 1 },
      },
    },
    'auth: AGENT_KEY_REVOKED: this key counts no more',
    { reachable: false, failingStage: 'auth' },
  );
}
