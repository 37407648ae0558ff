import type { Metadata } from '@grpc/grpc-js';
import { BulkheadError } from '../../../base/errors.ts';
import type { RegisterRequest, RegisterResponse } from '../../../protocol/sensors/generated/compliance.ts';
import type { EvidenceLog } from '../../evidence/entry.ts';
import type { SensorAdmission } from '../admission/admission.ts';
import { type Authority, type ClientIdentity, renewalDue } from '../pki/authority.ts';
import { readCertificateRequest } from '../pki/certificate-request.ts';
import type { SensorRegistry } from '../registry/registry.ts';
import type { Sensor } from '../registry/sensor.ts';
import type { Caller } from './caller.ts';
import { readRegister } from './read.ts';
import type { SensorSettings } from './settings.ts';
import { tierToWire } from './wire.ts';

/** What comes beside the message, which has no fields for it. */
const CODE_METADATA = 'bulkhead-admission-code';
const CLAIM_METADATA = 'bulkhead-claim-bin';
const REQUEST_METADATA = 'bulkhead-csr-bin';

export interface RegisterParts {
  admission: SensorAdmission;
  authority: Authority;
  evidence: Pick<EvidenceLog, 'append'>;
  registry: SensorRegistry;
  settings: (sensor: Sensor) => SensorSettings;
  /** It was told its settings. */
  onTold: (sensor: Sensor) => void;
  now_ms: () => number;
}

/** Lets a sensor in, renews the certificate of one that is in, and tells either what it may do. */
export function createRegister(parts: RegisterParts) {
  const { admission, authority, evidence, registry, settings, onTold, now_ms } = parts;

  const issue = async (sensor: Sensor, request: Uint8Array | null): Promise<ClientIdentity> => {
    const identity = await authority.issueClient(sensor.id, request ?? undefined);
    const { fingerprint, expires_ms } = identity;
    await registry.addCertificate({ fingerprint, sensor: sensor.id, issued_ms: now_ms(), expires_ms });
    return identity;
  };

  const renew = async (sensor: Sensor, request: Uint8Array | null): Promise<ClientIdentity> => {
    const body = { sensor: sensor.id, hostname: sensor.hostname };
    await evidence.append([{ kind: 'sensor.renewed', body }]);
    return issue(sensor, request);
  };

  const letIn = async (
    message: RegisterRequest,
    metadata: Metadata,
    address: string,
    request: Uint8Array | null,
  ): Promise<{ sensor: Sensor; identity: ClientIdentity }> => {
    const { hostname, os_version, agent_version, mac_address } = message;
    const answer = await admission.admit({
      ...{ way: 'grpc', hostname, domain: null, os_version, agent_version, address },
      mac_address: mac_address || null,
      code: textOf(metadata, CODE_METADATA),
      claim: bytesOf(metadata, CLAIM_METADATA),
    });
    if (answer.outcome === 'waiting')
      throw new BulkheadError('SENSOR_WAITING', `somebody has to let in the sensor ${answer.fingerprint}`, {
        hint: `'bulkhead sensors admit ${answer.fingerprint}', or the status page; come again with the same claim`,
      });
    return { sensor: answer.sensor, identity: await issue(answer.sensor, request) };
  };

  return async (
    request: RegisterRequest,
    metadata: Metadata,
    { known, address }: Caller,
  ): Promise<RegisterResponse> => {
    const message = readRegister(request);
    const csr = bytesOf(metadata, REQUEST_METADATA);
    // Before a code is used up for it.
    if (csr !== null) await readCertificateRequest(csr);
    let identity: ClientIdentity | null = null;
    let sensor: Sensor;
    // A certificate that has ended is none; that of somebody who is in makes him who he is.
    if (known === null || known.certificate.expires_ms <= now_ms())
      ({ sensor, identity } = await letIn(message, metadata, address, csr));
    else {
      ({ sensor } = known);
      const { hostname, os_version, agent_version, mac_address } = message;
      await registry.describe(sensor.id, {
        hostname,
        os_version,
        agent_version,
        mac_address: mac_address || null,
      });
      registry.heard(sensor.id, null);
      if (message.needs_certificates && renewalDue(known.certificate.expires_ms, now_ms()))
        identity = await renew(sensor, csr);
    }
    await registry.software.keep(sensor.id, message.installed_software);
    sensor = registry.find(sensor.id) ?? sensor;
    const { check_interval_s, checks, check_config } = settings(sensor);
    onTold(sensor);
    return {
      agent_id: sensor.id,
      check_interval_seconds: check_interval_s,
      enabled_checks: [...checks],
      capability_tier: tierToWire(sensor.tier),
      check_config: { ...check_config },
      ca_cert_pem: Buffer.from(authority.certificate_pem),
      agent_cert_pem: Buffer.from(identity?.certificate_pem ?? ''),
      agent_key_pem: Buffer.from(identity?.key_pem ?? ''),
    };
  };
}

function textOf(metadata: Metadata, name: string): string | null {
  const [value] = metadata.get(name);
  return typeof value === 'string' && value !== '' ? value : null;
}

function bytesOf(metadata: Metadata, name: string): Uint8Array | null {
  const [value] = metadata.get(name);
  return value !== undefined && typeof value !== 'string' ? value : null;
}
