import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  ComplianceAgentClient,
  type DriftAck,
  type DriftEvent,
  type HealingAck,
  type HealingResult,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type RegisterRequest,
  type RegisterResponse,
  type RMMAck,
  type RMMStatusReport,
} from '../../../../protocol/sensors/generated/compliance.ts';
import type { Address } from './authority.ts';
import { CALL_TIMEOUT_MS, MESSAGE_MAX_BYTES } from './limits.ts';

/** What goes beside a registration; each where there is one. */
export interface RegistrationProof {
  /** One-time code that an operator was given. */
  code?: string;
  /** Hex. */
  claim?: string;
  /** Certificate request, PKCS #10 in DER. */
  request?: Uint8Array;
}

/** The five calls, each with a deadline. What they throw is the ServiceError of grpc-js, whose `code` is the status. */
export interface ApplianceClient {
  register(request: RegisterRequest, proof: RegistrationProof): Promise<RegisterResponse>;
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  reportHealing(result: HealingResult): Promise<HealingAck>;
  reportRmm(report: RMMStatusReport): Promise<RMMAck>;
  /** Open until somebody ends it. */
  reportDrift(): ClientDuplexStream<DriftEvent, DriftAck>;
  close(): void;
}

export interface ClientKeys {
  key_pem: string;
  certificate_pem: string;
}

/**
 * @param authority_pem whose certificate the appliance has to show
 * @param keys null before the sensor was let in
 * @param server_name the name in the appliance's certificate, where it is reached by another
 */
export function connectAppliance(
  { host, port }: Address,
  authority_pem: string,
  keys: ClientKeys | null,
  server_name: string | null = null,
): ApplianceClient {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const target = host.includes(':') ? `ipv6:[${host}]:${port}` : `${host}:${port}`;
  const client = new ComplianceAgentClient(
    target,
    credentials.createSsl(Buffer.from(authority_pem), pem(keys?.key_pem), pem(keys?.certificate_pem), {
      // Whatever name is sent along: what counts is the one the appliance is reached by.
      checkServerIdentity: (_, certificate) => checkServerIdentity(server_name ?? host, certificate),
    }),
    {
      'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
      'grpc.max_send_message_length': MESSAGE_MAX_BYTES,
      // A connection that has died is noticed without anything to send (REFERENCE: 30 s / 10 s).
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      // The link makes connections anew by itself, with its own back-off.
      'grpc.enable_retries': 0,
      // Each client is a connection of its own: one with an old certificate must not be shared.
      'grpc.use_local_subchannel_pool': 1,
      // An address is no name to send along (RFC 6066, section 3), and Bun refuses it; every appliance has this one.
      'grpc.ssl_target_name_override': server_name ?? (isIP(host) === 0 ? host : 'localhost'),
    },
  );
  const deadline = () => ({ deadline: Date.now() + CALL_TIMEOUT_MS });
  return {
    register: (request, proof) =>
      answer((done) => client.register(request, proofMetadata(proof), deadline(), done)),
    heartbeat: (request) => answer((done) => client.heartbeat(request, new Metadata(), deadline(), done)),
    reportHealing: (result) =>
      answer((done) => client.reportHealing(result, new Metadata(), deadline(), done)),
    reportRmm: (report) => answer((done) => client.reportRmmStatus(report, new Metadata(), deadline(), done)),
    reportDrift: () => client.reportDrift(),
    close: () => client.close(),
  };
}

function proofMetadata({ code, claim, request }: RegistrationProof): Metadata {
  const metadata = new Metadata();
  if (code !== undefined) metadata.set('bulkhead-admission-code', code);
  if (claim !== undefined) metadata.set('bulkhead-claim-bin', Buffer.from(claim, 'hex'));
  if (request !== undefined) metadata.set('bulkhead-csr-bin', Buffer.from(request));
  return metadata;
}

function answer<T>(call: (done: (error: ServiceError | null, response: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}
