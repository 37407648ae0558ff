import { createHash, createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createFindings } from '../../../findings/findings.ts';
import { FINDINGS_PART } from '../../../findings/tables.ts';
import { openSiteStore } from '../../../site/store/store.ts';
import { createAdmission } from '../../admission/admission.ts';
import { ADMISSION_PART } from '../../admission/tables.ts';
import type { CommandResult } from '../../commands/commands.ts';
import { createCommands } from '../../commands/create-commands.ts';
import { COMMANDS_PART } from '../../commands/results-table.ts';
import { createSensorPrograms } from '../../programs/program-folder.ts';
import { createRegistry } from '../../registry/registry.ts';
import { SENSORS_PART } from '../../registry/tables.ts';
import { createSensorApi } from '../app.ts';
import { HTTP_KEYS_PART } from '../keys.ts';
import { serveSensorApi } from '../serve.ts';

export interface HttpLabOptions {
  folder: string;
  hostname?: string;
  /** What the database may grow to. */
  max_bytes?: number;
}

/** The API with everything behind it, on a real port. What would go into the evidence goes into a list. */
export function startHttpLab({ folder, hostname = '127.0.0.1', max_bytes }: HttpLabOptions) {
  const faults: string[] = [];
  const evidence: { kind: string }[] = [];
  const clock = { ahead_ms: 0 };
  const now_ms = () => Date.now() + clock.ahead_ms;
  const warn = (words: string) => void faults.push(words);
  const store = openSiteStore({
    file: join(folder, 'site.db'),
    parts: [FINDINGS_PART, SENSORS_PART, ADMISSION_PART, COMMANDS_PART, HTTP_KEYS_PART],
    ...{ warn, ...(max_bytes === undefined ? {} : { max_bytes }) },
  });
  const findings = createFindings({ store, now_ms, warn });
  const registry = createRegistry({ store, now: () => new Date(now_ms()), warn });
  const commands = createCommands({ store, registry, now_ms, warn });
  const admission = createAdmission({
    ...{ store, registry, now_ms, warn },
    evidence: {
      async append(entries) {
        evidence.push(...entries);
        return { seq: evidence.length, hash: '' };
      },
    },
  });
  const hosts: { hostname: string }[] = [];
  const results: CommandResult[] = [];
  commands.onResult((result) => results.push(result));
  const programs = createSensorPrograms({ folder: join(folder, 'sensor-programs'), now_ms, warn });
  const api = createSensorApi({
    programs,
    ...{ store, findings, registry, commands, admission, now_ms, onFault: warn, knownHosts: () => hosts },
  });
  const server = serveSensorApi(api, { port: 0, hostname });
  const url = `http://${hostname}:${server.port}`;

  /** @param headers of who sends */
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url + path, {
      method,
      headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(text === undefined ? {} : { body: text }),
    });
    const told = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    const json = (isJson ? JSON.parse(told) : null) as Record<string, unknown> | null;
    return { status: response.status, headers: response.headers, text: told, json };
  };
  const makeCode = async () => (await admission.makeCode('test', 'self_heal')).code;
  const register = async (hostname = 'till-1') => {
    const { json } = await ask('POST', '/sensor/register', { hostname, admission_code: await makeCode() });
    const id = String(json?.['sensor_id']);
    const api_key = String(json?.['api_key']);
    return { id, api_key, bearer: { authorization: `Bearer ${api_key}` } };
  };
  return {
    ...{ api, url, store, findings, registry, admission, commands, hosts, results, faults, evidence, clock },
    ...{ ask, register, makeCode },
    async stop() {
      await server.stop();
      findings.stop();
      await registry.stop();
      store.stop();
    },
  };
}

export type HttpLab = ReturnType<typeof startHttpLab>;

/** The header of a signed request. */
export function signedHeader(
  { id, api_key }: { id: string; api_key: string },
  request: { method: string; path: string; body: string; time_s: number; nonce?: string },
): { authorization: string } {
  const { method, path, body, time_s, nonce = randomBytes(16).toString('hex') } = request;
  const hash = createHash('sha256').update(body).digest('hex');
  const signature = createHmac('sha256', api_key)
    .update(`${method}\n${path}\n${time_s}\n${nonce}\n${hash}`)
    .digest('base64');
  return {
    authorization: `Bulkhead-HMAC-SHA256 key=${id}, time=${time_s}, nonce=${nonce}, signature=${signature}`,
  };
}
