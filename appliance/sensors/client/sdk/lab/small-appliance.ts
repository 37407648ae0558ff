import { createHash } from 'node:crypto';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  CapabilityTier,
  ComplianceAgentService,
  type DriftAck,
  type DriftEvent,
  type HealCommand,
  type HealingResult,
  type HeartbeatResponse,
  type RegisterRequest,
  type RegisterResponse,
} from '../../../../../protocol/sensors/generated/compliance.ts';
import { openAuthority } from '../../../pki/authority.ts';

/**
 * An appliance of a few lines for tests of the sensor: it does what a test tells it to, also what a real one does seldom. What counts
 * with the real one is tested with the real one.
 */
export interface SmallAppliance {
  port: number;
  /** SHA-256 of the authority's certificate. */
  fingerprint: string;
  /** Everything that came, in order. */
  seen: {
    registrations: {
      request: RegisterRequest;
      code: string | null;
      claim: string | null;
      request_bytes: number;
    }[];
    events: DriftEvent[];
    results: HealingResult[];
    heartbeats: number;
  };
  /** What a test changes on the way. */
  rules: {
    code: string | null;
    /** Claims that were approved, as SHA-256. */
    approved: Set<string>;
    tier: CapabilityTier;
    commands: HealCommand[];
    answer: Partial<HeartbeatResponse>;
    /** null: received; otherwise why not. */
    refuse: (event: DriftEvent) => string | null;
    /** Breaks the stream instead of acknowledging this event. */
    breakAt: (count: number) => boolean;
    result: (count: number) => boolean;
    /** Instead of the time there is. */
    now: () => Date;
  };
  stop(): Promise<void>;
}

/** @param names what its certificate is good for */
export async function startSmallAppliance(
  folder: string,
  port = 0,
  names = { dns: ['localhost'], ip: ['127.0.0.1'] },
): Promise<SmallAppliance> {
  const rules: SmallAppliance['rules'] = {
    ...{ code: 'CODE', approved: new Set(), tier: CapabilityTier.SELF_HEAL, commands: [], answer: {} },
    ...{ refuse: () => null, breakAt: () => false, result: () => true, now: () => new Date() },
  };
  const seen: SmallAppliance['seen'] = { registrations: [], events: [], results: [], heartbeats: 0 };
  const authority = await openAuthority(folder, () => rules.now());
  const { certificate_pem, key_pem } = await authority.issueServer(names);
  const server = new Server();
  server.addService(ComplianceAgentService, {
    register: (
      call: ServerUnaryCall<RegisterRequest, RegisterResponse>,
      done: sendUnaryData<RegisterResponse>,
    ) => {
      const first = (name: string) => call.metadata.get(name)[0];
      const [code, claim, request] = [
        'bulkhead-admission-code',
        'bulkhead-claim-bin',
        'bulkhead-csr-bin',
      ].map(first);
      const csr = Buffer.isBuffer(request) ? request : undefined;
      const claim_sha = Buffer.isBuffer(claim) ? createHash('sha256').update(claim).digest('hex') : null;
      seen.registrations.push({
        ...{ request: call.request, code: typeof code === 'string' ? code : null, claim: claim_sha },
        request_bytes: csr?.length ?? 0,
      });
      const known = call.request.needs_certificates === false || seen.registrations.length === 0;
      const approved = claim_sha !== null && rules.approved.has(claim_sha);
      const renewal = csr !== undefined && claim === undefined;
      if (!known && !approved && !renewal && code !== rules.code)
        return done({ code: status.FAILED_PRECONDITION, details: 'waiting' });
      const answer = async (): Promise<RegisterResponse> => ({
        ...{ agent_id: 's-0123456789abcdef', check_interval_seconds: 60, enabled_checks: [] },
        ...{ capability_tier: rules.tier, check_config: { 'disk.used_max_percent': '80' } },
        ...{ ca_cert_pem: Buffer.from(authority.certificate_pem), agent_key_pem: Buffer.alloc(0) },
        agent_cert_pem: Buffer.from(
          csr === undefined ? '' : (await authority.issueClient('s-0123456789abcdef', csr)).certificate_pem,
        ),
      });
      answer().then(
        (response) => done(null, response),
        (error: unknown) => done({ code: status.INVALID_ARGUMENT, details: String(error) }),
      );
    },
    heartbeat: (_: unknown, done: sendUnaryData<HeartbeatResponse>) => {
      seen.heartbeats += 1;
      done(null, {
        ...{ acknowledged: true, config_changed: false, pending_commands: rules.commands },
        ...{
          update_available: false,
          update_version: '',
          update_url: '',
          update_sha256: '',
          ...rules.answer,
        },
      });
    },
    reportDrift: (call: ServerDuplexStream<DriftEvent, DriftAck>) => {
      call.on('data', (event: DriftEvent) => {
        if (rules.breakAt(seen.events.length)) {
          call.emit('error', { code: status.UNAVAILABLE, details: 'broken off' });
          return;
        }
        const error = rules.refuse(event);
        if (error === null) seen.events.push(event);
        call.write({
          ...{ event_id: `e-${event.metadata['event_id'] ?? ''}`, received: error === null },
          ...{ error: error ?? '', heal_command: undefined },
        });
      });
      call.on('error', () => undefined);
      call.on('end', () => call.end());
    },
    reportHealing: (call: ServerUnaryCall<HealingResult, unknown>, done: sendUnaryData<unknown>) => {
      const received = rules.result(seen.results.length);
      seen.results.push(call.request);
      done(null, { event_id: 'e-1', received });
    },
    reportRmmStatus: (_: unknown, done: sendUnaryData<unknown>) => done(null, { received: true }),
  });
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      `127.0.0.1:${port}`,
      // With its authority behind it, as the appliance shows it.
      ServerCredentials.createSsl(null, [
        {
          cert_chain: Buffer.from(`${certificate_pem}\n${authority.certificate_pem}`),
          private_key: Buffer.from(key_pem),
        },
      ]),
      (error, at) => (error === null ? resolve(at) : reject(error)),
    ),
  );
  return {
    ...{ port: bound, fingerprint: authority.fingerprint, seen, rules },
    stop: async () => server.forceShutdown(),
  };
}
