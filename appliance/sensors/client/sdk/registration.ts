import { BulkheadError } from '../../../../base/errors.ts';
import type { RegisterRequest } from '../../../../protocol/sensors/generated/compliance.ts';
import { type ApplianceClient, connectAppliance } from './appliance-client.ts';
import type { Address } from './authority.ts';
import {
  type Admission,
  certificateRequest,
  makeIdentity,
  makeKeyPem,
  renewalDue,
  type SensorIdentity,
} from './identity.ts';
import { admissionFromWire } from './wire.ts';

/** What the machine says of itself. */
export interface MachineFacts {
  hostname: string;
  os_version: string;
  agent_version: string;
  mac_address: string;
}

/** The same, as it is told once the sensor is in. */
export type RegisteredFacts = MachineFacts & {
  /** Names with versions; the appliance keeps as many as fit, in their order. */
  installed_software: readonly string[];
};

/** An identity that was let in. */
export interface Admitted {
  key_pem: string;
  claim: string;
  authority_pem: string;
  admission: Admission;
}

export interface EnrolParts {
  address: Address;
  server_name: string | null;
  code: string | null;
  facts: MachineFacts;
  identity: { read(): SensorIdentity | null; write(identity: SensorIdentity): void };
  /** The certificate of the appliance's authority, in PEM. */
  findRoot: () => Promise<string>;
}

/**
 * Lets the sensor in, where it is not in already: by its code, or by a claim that somebody approves. The private key stays here, and key
 * and claim are on the disk before anybody hears of them.
 *
 * @throws ServiceError FAILED_PRECONDITION while somebody has to approve it; BulkheadError of findAuthority; SENSOR_NOT_CERTIFIED
 */
export async function enrol(parts: EnrolParts): Promise<Admitted> {
  const { identity, address, facts, code, server_name, findRoot } = parts;
  const before = identity.read();
  if (before?.admission != null && before.authority_pem !== null)
    return { ...before, authority_pem: before.authority_pem, admission: before.admission };
  const made = before ?? (await makeIdentity(null));
  // Asked for again until the sensor is in: an operator may have named another by then.
  const authority_pem = await findRoot();
  identity.write({ ...made, authority_pem });
  const client = connectAppliance(address, authority_pem, null, server_name);
  try {
    const response = await client.register(registration({ ...facts, installed_software: [] }, true), {
      ...(code === null ? {} : { code }),
      claim: made.claim,
      request: await certificateRequest(made.key_pem),
    });
    const admission = admissionFromWire(response, '');
    if (admission.certificate_pem === '' || response.agent_key_pem.length > 0)
      throw new BulkheadError(
        'SENSOR_NOT_CERTIFIED',
        'the appliance let this sensor in without a certificate for its key',
        {
          hint: 'the appliance is older than this sensor, or is none',
        },
      );
    const admitted = { ...made, authority_pem, admission };
    identity.write(admitted);
    return admitted;
  } finally {
    client.close();
  }
}

/**
 * Registers with the certificate there is: learns what the appliance has set meanwhile, and gets a certificate for a new key when the old
 * one nears its end. Both are on the disk when it returns.
 */
export async function refresh(
  client: ApplianceClient,
  known: Admitted,
  facts: RegisteredFacts,
  identity: EnrolParts['identity'],
  now_ms: number,
): Promise<Admitted> {
  const { admission } = known;
  const due = renewalDue(admission.certificate_pem, now_ms);
  const key_pem = due ? await makeKeyPem() : known.key_pem;
  const proof = due ? { request: await certificateRequest(key_pem) } : {};
  const response = await client.register(registration(facts, due), proof);
  const renewed = due && response.agent_cert_pem.length > 0;
  const fresh: Admitted = {
    ...known,
    key_pem: renewed ? key_pem : known.key_pem,
    admission: renewed
      ? admissionFromWire(response, '')
      : { ...admissionFromWire(response, ''), certificate_pem: admission.certificate_pem },
  };
  identity.write(fresh);
  return fresh;
}

/** Whether a connection is worth making anew, because the certificate is. */
export function renewalIsDue(certificate_pem: string, now_ms: number): boolean {
  return renewalDue(certificate_pem, now_ms);
}

function registration(facts: RegisteredFacts, needs_certificates: boolean): RegisterRequest {
  return { ...facts, installed_software: [...facts.installed_software], needs_certificates };
}
