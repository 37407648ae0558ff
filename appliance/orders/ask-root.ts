import { rmSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { readJson } from '../facts/fact-files.ts';
import { type PowerRequest, writePowerRequest } from '../power/request.ts';
import { type UpdateRequestFile, writeRequest } from '../update/request-file.ts';
import { type BookEntry, type ObservedType, orderName } from './entry.ts';
import type { OrderPaths } from './order-paths.ts';

/** Parameters of an update, as its schema has them (protocol/orders). */
interface UpdateParameters {
  version: string;
  bundle: { size_bytes: number; urls: string[] };
  reboot: 'at_once' | 'in_window';
  retry?: boolean;
  allow_downgrade?: boolean;
}

interface PowerParameters {
  to_version?: string;
  reason: string;
  reboot: 'at_once' | 'in_window';
}

export interface AskOptions {
  paths: OrderPaths;
  /** Paths of artifacts are below it; null: there is no coordinator. */
  coordinatorUrl: URL | null;
  /** Ends this process in good order; somebody starts it again. */
  restart: () => void;
}

/** Asks for what this process may not do itself. @throws BulkheadError ORDER_NO_COORDINATOR, and what the file system throws */
export function askFor(
  entry: BookEntry,
  type: ObservedType,
  { paths, coordinatorUrl, restart }: AskOptions,
): void {
  if (type === 'update') writeRequest(paths.updateRequest, updateRequest(entry, coordinatorUrl));
  else if (type === 'restart_agent') restart();
  else writePowerRequest(paths.powerRequest, powerRequest(entry, type));
}

/** Takes a request back that nobody has taken: an order that has ended is not begun afterwards. */
export function takeBack(entry: BookEntry, { updateRequest: update, powerRequest: power }: OrderPaths): void {
  const name = orderName(entry);
  const asked = readJson(update) as { order?: { name?: unknown } } | null;
  if (asked?.order?.name === name) rmSync(update, { force: true });
  const wanted = readJson(power) as { order?: unknown } | null;
  if (wanted?.order === name) rmSync(power, { force: true });
}

/** What root's updater is asked. Pure. */
function updateRequest(entry: BookEntry, coordinatorUrl: URL | null): UpdateRequestFile {
  // Its type's schema was checked when the order was taken.
  const { version, bundle, reboot, retry, allow_downgrade } = entry.parameters as unknown as UpdateParameters;
  return {
    ...{
      format: 1,
      urls: bundle.urls.map((url) => absolute(url, coordinatorUrl)),
      delta_only: false,
      reboot: true,
    },
    order: {
      ...{ name: orderName(entry), version, size_bytes: bundle.size_bytes, at_once: reboot === 'at_once' },
      ...{ retry_rejected: retry === true, allow_downgrade: allow_downgrade === true },
    },
  };
}

function powerRequest(entry: BookEntry, action: 'reboot' | 'rollback'): PowerRequest {
  const { to_version = null, reason, reboot } = entry.parameters as unknown as PowerParameters;
  return { format: 1, order: orderName(entry), action, to_version, at_once: reboot === 'at_once', reason };
}

function absolute(url: string, coordinatorUrl: URL | null): string {
  if (!url.startsWith('/')) return url;
  if (coordinatorUrl === null)
    throw new BulkheadError(
      'ORDER_NO_COORDINATOR',
      `${url} is a path at the coordinator, and none is configured`,
    );
  // Not `new URL(path, base)`: two slashes at the front of a path would name another host.
  return new URL(coordinatorUrl.origin + coordinatorUrl.pathname.replace(/\/$/, '') + url).href;
}
