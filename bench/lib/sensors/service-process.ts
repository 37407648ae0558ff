import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { Elysia } from 'elysia';
import { createFindings } from '../../../appliance/findings/findings.ts';
import { FINDINGS_PART } from '../../../appliance/findings/tables.ts';
import { createAdmission } from '../../../appliance/sensors/admission/admission.ts';
import { ADMISSION_PART } from '../../../appliance/sensors/admission/tables.ts';
import { createCommands } from '../../../appliance/sensors/commands/create-commands.ts';
import { COMMANDS_PART } from '../../../appliance/sensors/commands/results-table.ts';
import { OptionalClientCertificates } from '../../../appliance/sensors/grpc/credentials.ts';
import { serveSensorGrpc } from '../../../appliance/sensors/grpc/server.ts';
import { createSensorApi } from '../../../appliance/sensors/http/app.ts';
import { createSensorKeys, HTTP_KEYS_PART } from '../../../appliance/sensors/http/keys.ts';
import { serveSensorApi } from '../../../appliance/sensors/http/serve.ts';
import { type Authority, openAuthority } from '../../../appliance/sensors/pki/authority.ts';
import { createRegistry } from '../../../appliance/sensors/registry/registry.ts';
import { SENSORS_PART } from '../../../appliance/sensors/registry/tables.ts';
import { openSiteStore } from '../../../appliance/site/store/store.ts';
import { ComplianceAgentService } from '../../../protocol/sensors/generated/compliance.ts';
import { exampleSensor } from './example-sensor.ts';
import { RATE_OFF_PER_S } from './limits.ts';

/** The sensor service as a process of its own: whole, or its ways in with nothing behind them. */
export interface ServiceTask {
  folder: string;
  /** Sensors that are let in beforehand. */
  sensors: number;
  empty: boolean;
}

/** What the process leaves in its folder for who sends to it. */
export interface ServicePlace {
  http_port: number;
  grpc_port: number;
  ca: string;
  sensors: { id: string; api_key: string; certificate: string; key: string }[];
}

/** A detection of this check has a command given at once, as an engine without evidence and rules would. */
export const HEALED_CHECK = 'healed-at-once';

const LOOPBACK = '127.0.0.1';
const names = () => ({ dns: ['localhost'], ip: [LOOPBACK] });
const warn = (words: string) => void process.stderr.write(`${words}\n`);

async function serve({ folder, sensors, empty }: ServiceTask): Promise<void> {
  const store = openSiteStore({
    ...{ file: join(folder, 'site.db'), warn },
    parts: [FINDINGS_PART, SENSORS_PART, ADMISSION_PART, COMMANDS_PART, HTTP_KEYS_PART],
  });
  const now = () => new Date();
  const now_ms = Date.now;
  const registry = createRegistry({ store, now, warn });
  const findings = createFindings({ store, now_ms, warn });
  const commands = createCommands({ store, registry, now_ms, warn });
  const evidence = { append: async () => ({ seq: 0, hash: '' }) };
  const admission = createAdmission({ store, registry, evidence, now_ms, warn });
  const authority = await openAuthority(folder, now);
  const keys = createSensorKeys(store);
  const place: ServicePlace['sensors'] = [];
  for (let index = 0; index < sensors; index += 1) {
    const { id } = await registry.add(exampleSensor(index));
    const issued = await authority.issueClient(id);
    const { fingerprint, expires_ms, certificate_pem, key_pem } = issued;
    await registry.addCertificate({ fingerprint, sensor: id, issued_ms: now_ms(), expires_ms });
    const api_key = await keys.make(id, now_ms());
    place.push({ id, api_key, certificate: certificate_pem, key: key_pem ?? '' });
  }
  findings.onDetection(({ subject, check_type, passed }, { event_id }) => {
    if (check_type !== HEALED_CHECK || passed) return;
    const command = {
      command_id: event_id,
      check_type,
      action: 'enable_firewall',
      params: {},
      timeout_s: 60,
    };
    commands.give(subject, command);
  });
  const ways = empty
    ? await serveNothing(authority)
    : await (async () => {
        const api = createSensorApi({
          ...{ store, findings, registry, commands, admission, now_ms, knownHosts: () => [], onFault: warn },
          programs: { list: () => [] },
          limits: { per_sensor_per_s: RATE_OFF_PER_S, per_address_per_s: RATE_OFF_PER_S },
        });
        const http = serveSensorApi(api, { port: 0, hostname: LOOPBACK });
        const grpc = await serveSensorGrpc({
          ...{ authority, registry, admission, commands, findings, evidence, now, warn, names },
          ...{
            port: 0,
            host: LOOPBACK,
            limits: { strangers_max: 2 * sensors, strangers_per_address_max: 2 * sensors },
          },
        });
        const stop = async () => void (await Promise.all([http.stop(), grpc.stop()]));
        return { http_port: http.port, grpc_port: grpc.port, stop };
      })();
  const { http_port, grpc_port } = ways;
  const facts: ServicePlace = { http_port, grpc_port, ca: authority.certificate_pem, sensors: place };
  writeFileSync(join(folder, 'place.json'), JSON.stringify(facts), { mode: 0o600 });
  process.once('SIGTERM', async () => {
    await ways.stop();
    findings.stop();
    await registry.stop();
    store.stop();
    process.exit();
  });
  process.stdout.write(`${JSON.stringify({ port: http_port })}\n`);
}

/** The ceiling: the same stack of the network, the same TLS and the same messages, and nothing is done. */
async function serveNothing(authority: Authority) {
  const app = new Elysia().post('/sensor/event', () => Response.json({ received: true }), { parse: 'none' });
  const http = Bun.serve({
    ...{ hostname: LOOPBACK, port: 0, development: false, reusePort: false },
    fetch: (request) => app.handle(request),
  });
  const server = new Server();
  server.addService(
    { reportDrift: ComplianceAgentService.reportDrift },
    {
      reportDrift(call: ServerDuplexStream<unknown, object>) {
        call.on('data', () => call.write({ event_id: '', received: true, error: '' }));
        call.on('end', () => call.end());
      },
    },
  );
  const identity = await authority.issueServer(names());
  const credentials = new OptionalClientCertificates(authority.certificate_pem, identity);
  const grpc_port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${LOOPBACK}:0`, credentials, (error, port) => (error ? reject(error) : resolve(port))),
  );
  return {
    ...{ http_port: http.port ?? 0, grpc_port },
    async stop() {
      server.forceShutdown();
      await http.stop(true);
    },
  };
}

const text = process.env['SERVICE_TASK'];
if (text !== undefined) await serve(JSON.parse(text) as ServiceTask);
