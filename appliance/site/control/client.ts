import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../../base/errors.ts';
import { SITE_CONTROL_SOCKET } from '../../../base/paths.ts';
import { CONTROL_ANSWER_MAX_BYTES, CONTROL_TIMEOUT_MS } from '../limits.ts';
import { ControlProblem, errorOf } from './problem.ts';

export interface SiteCall {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  body?: unknown;
  /** Instead of the appliance's. */
  socket?: string;
  signal?: AbortSignal;
}

/**
 * Asks the site's service on this machine.
 *
 * @param path with its query, e.g. `/v1/sensors?state=open`
 * @returns the JSON of the answer, unchecked: who asks holds it to the schema of what was asked
 * @throws BulkheadError SITE_NOT_RUNNING, SITE_ANSWER, and whatever the service told
 */
export async function callSite(path: string, call: SiteCall = {}): Promise<unknown> {
  const response = await askSite(path, {
    ...call,
    signal: call.signal ?? AbortSignal.timeout(CONTROL_TIMEOUT_MS),
  });
  const text = await response.text();
  if (text.length > CONTROL_ANSWER_MAX_BYTES)
    throw new BulkheadError('SITE_ANSWER', `the answer to ${path} has ${text.length} characters`);
  try {
    return text === '' ? null : JSON.parse(text);
  } catch (cause) {
    throw new BulkheadError('SITE_ANSWER', `the answer to ${path} is no JSON`, { cause });
  }
}

/** The same for what streams: exports. Without a limit of time or size; the caller reads `body`. */
export async function askSite(path: string, call: SiteCall = {}): Promise<Response> {
  const { method = 'GET', body, socket = SITE_CONTROL_SOCKET, signal } = call;
  let response: Response;
  try {
    response = await fetch(`http://site.local${path}`, {
      method,
      unix: socket,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    throw new BulkheadError('SITE_NOT_RUNNING', `the service of the site does not answer on ${socket}`, {
      hint: "root and the agent may ask it; 'systemctl status bulkhead-site' tells how it is",
      cause,
    });
  }
  if (response.ok) return response;
  const problem: unknown = await response.json().catch(() => null);
  if (Value.Check(ControlProblem, problem)) throw errorOf(problem);
  throw new BulkheadError('SITE_ANSWER', `the service of the site answered ${response.status} to ${path}`);
}
