import { getLogger } from '@logtape/logtape';
import { afterAll } from 'vitest';
import { type RunningCoordinator, type StartOptions, startCoordinator } from '../../coordinator/start.ts';
import { makeFolder } from '../unit/make-folder.ts';

/** What came back: status, fields and, where it is JSON, the value. */
export interface Answer {
  status: number;
  headers: Headers;
  // What is in it is what a test asserts.
  body: Record<string, unknown> & { error?: { code: string; message: string } };
}

export interface CoordinatorLab extends RunningCoordinator {
  /** Moves the coordinator's clock. */
  wait(duration_ms: number): void;
  now_ms(): number;
  /** A request as a program makes it. @param token session or API token */
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** A session of the first administrator; made once. */
  admin(): Promise<string>;
}

/** A whole coordinator on a free port of this machine, stopped at the end of the file. */
export async function startLab(changed: Partial<StartOptions> = {}): Promise<CoordinatorLab> {
  let ahead_ms = 0;
  const now_ms = () => Date.now() + ahead_ms;
  const running = await startCoordinator({
    ...{ data: makeFolder('coordinator'), listen: '127.0.0.1', port: 0, urls: [], now_ms },
    settings: { heartbeat_interval_s: 60, agent_min_version: null, trusted_proxies: new Set() },
    // Nobody listens to this logger.
    log: getLogger(['lab']),
    ...changed,
  });
  running_labs.push(running);
  let session: Promise<string> | undefined;
  const lab: CoordinatorLab = {
    ...running,
    now_ms,
    wait: (duration_ms) => {
      ahead_ms += duration_ms;
    },
    async call(method, path, body, token) {
      const response = await fetch(running.url + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return await readAnswer(response);
    },
    admin() {
      session ??= signInFirst(lab);
      return session;
    },
  };
  return lab;
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  const body = (isJson ? JSON.parse(text) : { text }) as Answer['body'];
  return { status: response.status, headers: response.headers, body };
}

async function signInFirst(lab: CoordinatorLab): Promise<string> {
  const { status, body } = await lab.call('POST', '/api/v1/session', { code: lab.firstSignIn?.code });
  if (status !== 200) throw new Error(`signing in: ${JSON.stringify(body)}`);
  return String(body['token']);
}

const running_labs: RunningCoordinator[] = [];

/** What is needed by them goes after they have gone. */
export async function stopLabs(): Promise<void> {
  for (const running of running_labs.splice(0)) await running.stop();
}

afterAll(stopLabs);
