import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { AlarmRow } from '../database/alarm-tables.ts';
import { lockForAll } from '../database/lock.ts';
import type { Database, Work } from '../database/tables.ts';
import type { NoticeAlarm } from '../delivery/notice.ts';
import { announce } from '../delivery/queue.ts';
import type { Findings } from './judge.ts';
import { severityOf } from './kinds.ts';
import { CHANGES_PER_LOOK_MAX } from './limits.ts';
import { planAlarms } from './plan.ts';

/** Alarms that have not been closed, oldest first. */
export async function readOpen(database: Database | Work): Promise<AlarmRow[]> {
  return await database
    .selectFrom('alarms')
    .selectAll()
    .where('closed_ms', 'is', null)
    .orderBy('id')
    .execute();
}

const ACTOR = 'coordinator';

/**
 * Makes the open alarms those that were found. Twice is the same as once; what does not fit into one transaction comes with the next look.
 */
export async function carryOut(coordinator: Coordinator, findings: Findings): Promise<void> {
  const { database, doWork } = coordinator;
  if (isNothing(planAlarms(await readOpen(database), findings))) return;
  await doWork(async (work) => {
    await lockForAll(work);
    const { open, reword, close } = planAlarms(await readOpen(work), findings);
    const now_ms = coordinator.now_ms();
    for (const { id, message } of reword)
      await work.updateTable('alarms').set({ message }).where('id', '=', id).execute();
    // Those that are over first: they make room.
    const closed = close.slice(0, CHANGES_PER_LOOK_MAX).map((alarm) => ({ ...alarm, closed_ms: now_ms }));
    for (const { id, kind, subject } of closed) {
      await work.updateTable('alarms').set({ closed_ms: now_ms }).where('id', '=', id).execute();
      await recordDeed(work, now_ms, {
        ...{ actor: ACTOR, action: 'alarm.close', subject: `alarm:${id}`, details: { kind, about: subject } },
      });
    }
    const opened: AlarmRow[] = [];
    for (const { kind, subject, message } of open.slice(0, CHANGES_PER_LOOK_MAX)) {
      const alarm: AlarmRow = {
        ...{ id: newId(coordinator), kind, subject, severity: severityOf(kind), message },
        ...{ opened_ms: now_ms, closed_ms: null, acknowledged_ms: null, acknowledged_by: null, note: null },
      };
      opened.push(alarm);
      await work.insertInto('alarms').values(alarm).execute();
      await recordDeed(work, now_ms, {
        ...{ actor: ACTOR, action: 'alarm.open', subject: `alarm:${alarm.id}` },
        details: { kind, about: subject, message },
      });
    }
    await announce(coordinator, work, { opened: opened.map(told), closed: closed.map(told) });
  });
}

function told({ id, kind, severity, subject, message, opened_ms, closed_ms }: AlarmRow): NoticeAlarm {
  return { id, kind, severity, subject, message, opened_ms, closed_ms };
}

function isNothing({ open, reword, close }: ReturnType<typeof planAlarms>): boolean {
  return open.length + reword.length + close.length === 0;
}
