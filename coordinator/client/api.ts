import { readFileSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { CLIENT_TIMEOUT_MS } from '../limits.ts';

/** How the command line reaches a coordinator. */
export interface ApiOptions {
  /** Address; BULKHEAD_COORDINATOR otherwise, or this machine. */
  server?: string | undefined;
  /** File with an API token or a session; BULKHEAD_TOKEN otherwise. Never an argument: others see those. */
  tokenFile?: string | undefined;
}

export interface Api {
  /**
   * @returns the answer's JSON; undefined for an empty one
   * @throws BulkheadError what the coordinator says, or API_UNREACHABLE, API_ANSWER
   */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Sends bytes as they are. */
  send(method: string, path: string, bytes: Uint8Array): Promise<unknown>;
  /** An answer that is not JSON, as it comes. */
  stream(path: string): Promise<Response>;
}

const DEFAULT_SERVER = 'http://localhost:8000';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the coordinator is. @throws BulkheadError API_ADDRESS */
export function addressOf({ server }: ApiOptions, environment: Environment): URL {
  const address = server ?? environment['BULKHEAD_COORDINATOR'] ?? DEFAULT_SERVER;
  const url = URL.parse(address);
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new BulkheadError('API_ADDRESS', `'${address}' is no address of a coordinator`, {
    hint: '--server https://coordinator.example, or BULKHEAD_COORDINATOR in the environment',
  });
}

/** @throws BulkheadError API_ADDRESS, API_TOKEN_FILE */
export function openApi(options: ApiOptions, environment: Environment): Api {
  const address = addressOf(options, environment);
  const { tokenFile } = options;
  const token = tokenFile === undefined ? environment['BULKHEAD_TOKEN'] : readToken(tokenFile);
  const send = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const isBytes = body instanceof Uint8Array;
    const request = new Request(new URL(path, address).href, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    let response: Response;
    try {
      response = await fetch(request, { signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS) });
    } catch (cause) {
      throw new BulkheadError('API_UNREACHABLE', `no coordinator answers at ${address.origin}`, {
        hint: 'is it running? --server names another one',
        cause,
      });
    }
    if (!response.ok) throw await refusalOf(response);
    return response;
  };
  const call = async (method: string, path: string, body?: unknown) => {
    const text = await (await send(method, path, body)).text();
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  return {
    call,
    send: call,
    stream: (path) => send('GET', path),
  };
}

/** What the coordinator says, as our own error: its code stays. */
async function refusalOf(response: Response): Promise<BulkheadError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint: string | null } };
    return new BulkheadError(error.code, error.message, error.hint === null ? {} : { hint: error.hint });
  } catch (cause) {
    return new BulkheadError('API_ANSWER', `the coordinator answered ${response.status} without saying why`, {
      hint: 'is there something else at that address?',
      cause,
    });
  }
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new BulkheadError('API_TOKEN_FILE', `cannot read the token in ${path}`, { cause });
  }
}
