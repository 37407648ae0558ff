import type { PastUpdateStatus, UpdateSection } from './update-section.ts';

/** What the update part of a status looks like in real life; the appliances around it are in example-status.ts. */

/** As it was installed. */
export function neverUpdated(): UpdateSection {
  return {
    state: 'succeeded',
    message: 'slot A (0.4.2) runs and is committed; nothing is pending',
    progress: null,
    onItsWay: null,
    history: [],
    ended: {
      succeeded: { count: 0, lastAt: null },
      rolled_back: { count: 0, lastAt: null },
      failed: { count: 0, lastAt: null },
      cancelled: { count: 0, lastAt: null },
    },
    rejected: [],
  };
}

const SUCCEEDED: PastUpdateStatus = {
  at: '2026-11-18T06:14:11.302Z',
  outcome: 'succeeded',
  version: '0.4.2',
  fromVersion: '0.4.1',
  slot: 'A',
  method: 'delta',
  fetched_bytes: 1_204_224,
  reason: 'the health gate committed it',
  consoleTail: [],
};

/** One update long ago, and nothing since. */
export function updatedOnce(): UpdateSection {
  return {
    ...neverUpdated(),
    history: [SUCCEEDED],
    ended: { ...neverUpdated().ended, succeeded: { count: 1, lastAt: SUCCEEDED.at } },
  };
}

/** The first boot of what was installed runs and is not judged. */
export function verifyingUpdate(): UpdateSection {
  return {
    ...updatedOnce(),
    state: 'verifying',
    message: 'slot B (0.5.0-rc.1) is on trial, attempt 2',
    onItsWay: {
      version: '0.5.0-rc.1',
      slot: 'B',
      method: 'blocks',
      writtenAt: '2026-11-21T11:09:31.044Z',
      reboot: 'now',
    },
  };
}

/** 40 % of the slot are written, on a slow line. */
export function downloadingUpdate(): UpdateSection {
  return {
    ...updatedOnce(),
    state: 'downloading',
    message: 'writing 0.5.0: 40 %',
    progress: {
      version: '0.5.0',
      slot: 'B',
      method: 'full',
      phase: 'transfer',
      done_bytes: 201_326_592,
      total_bytes: 503_316_480,
      fetched_bytes: 63_438_848,
      fetch_total_bytes: 154_140_672,
      startedAt: '2026-11-21T11:09:47.000Z',
      updatedAt: '2026-11-21T11:18:02.100Z',
      code: null,
    },
  };
}

/** Waits in its slot for the maintenance window. */
export function readyUpdate(): UpdateSection {
  const { progress, ...running } = downloadingUpdate();
  return {
    ...running,
    state: 'ready',
    message: 'slot B (0.5.0) is tried on the next boot',
    progress: progress && { ...progress, phase: 'done', fetched_bytes: progress.fetch_total_bytes ?? 0 },
    onItsWay: {
      version: '0.5.0',
      slot: 'B',
      method: 'full',
      writtenAt: '2026-11-21T11:17:55.812Z',
      reboot: 'window',
    },
  };
}

const PANIC = [
  '[    2.814063] EXT4-fs (nvme0n1p4): mounted filesystem r/w with ordered data mode. Quota mode: none.',
  '[    3.097420] systemd[1]: Started compliance-agent.service - Agent and status page.',
  '[    9.402277] BUG: kernel NULL pointer dereference, address: 0000000000000018',
  '[    9.402291] #PF: supervisor read access in kernel mode',
  '[    9.402297] #PF: error_code(0x0000) - not-present page',
  '[    9.402305] Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI',
  '[    9.402314] CPU: 1 UID: 0 PID: 412 Comm: kworker/1:2 Not tainted 6.12.51+deb13-amd64 #1',
  '[    9.402322] Hardware name: HP HP t640 Thin Client/8748, BIOS N32 v01.14 03/02/2022',
  '[    9.402329] RIP: 0010:rtl8169_poll+0x1c4/0x540 [r8169]',
  '[    9.402341] Call Trace:',
  '[    9.402345]  <IRQ>',
  '[    9.402349]  __napi_poll+0x2b/0x1b0',
  '[    9.402356]  net_rx_action+0x2f5/0x3b0',
  '[    9.402363]  handle_softirqs+0xdd/0x2b0',
  '[    9.402371]  </IRQ>',
  '[    9.402390] ---[ end trace 0000000000000000 ]---',
  '[    9.402398] Kernel panic - not syncing: Fatal exception in interrupt',
  '[    9.402406] Rebooting in 10 seconds..',
];

/** A release that panicked three times, and before it one whose server was not there. */
export function rolledBackUpdate(): UpdateSection {
  const at = '2026-11-21T02:21:40.118Z';
  const reason = 'no boot of it reached the health gate: it panicked, hung, or was damaged';
  const rolledBack: PastUpdateStatus = {
    at,
    outcome: 'rolled_back',
    version: '0.5.0',
    fromVersion: '0.4.2',
    slot: 'B',
    method: 'blocks',
    fetched_bytes: 8_912_896,
    reason,
    consoleTail: PANIC,
  };
  const failed: PastUpdateStatus = {
    at: '2026-11-20T02:00:44.950Z',
    outcome: 'failed',
    version: null,
    fromVersion: '0.4.2',
    slot: 'B',
    method: null,
    fetched_bytes: 0,
    reason: 'FETCH_UNREACHABLE: cannot reach releases.example.net: connection refused',
    consoleTail: [],
  };
  return {
    ...updatedOnce(),
    state: 'rolled_back',
    message: 'slot B (0.5.0) was given up, slot A (0.4.2) runs',
    history: [rolledBack, failed, SUCCEEDED],
    ended: {
      succeeded: { count: 1, lastAt: SUCCEEDED.at },
      rolled_back: { count: 1, lastAt: at },
      failed: { count: 1, lastAt: failed.at },
      cancelled: { count: 0, lastAt: null },
    },
    rejected: [{ version: '0.5.0', at, reason }],
  };
}

/** Nobody has looked yet. */
export function unknownUpdate(): UpdateSection {
  return { ...neverUpdated(), state: null, message: 'the health gate has not looked at the slots yet' };
}
