import { Value } from '@sinclair/typebox/value';
import { Version } from '../../protocol/messages/parts.ts';
import type { Heartbeat } from '../../protocol/messages/reports.ts';
import type { Status } from '../../status-page/status.ts';

/** Where an update stands, as a heartbeat says it; undefined where there is none, or it has no name yet. Pure. */
export function heartbeatUpdate({ update }: Pick<Status, 'update'>): Heartbeat['update'] {
  const { state, onItsWay, progress, history } = update;
  const running = progress !== null && progress.phase !== 'done' ? progress.version : null;
  const version = running ?? onItsWay?.version ?? history[0]?.version ?? null;
  return state !== null && Value.Check(Version, version) ? { version, state } : undefined;
}
