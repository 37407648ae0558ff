import {
  DriftAck,
  DriftEvent,
  RegisterRequest,
  RegisterResponse,
  ComplianceAgentService as Service,
} from '../../../../protocol/sensors/generated/compliance.ts';
import { createFindings } from '../../../findings/findings.ts';
import { sensorLab } from '../../lab/sensor-lab.ts';
import { openAuthority } from '../../pki/authority.ts';
import type { CapabilityTier as Tier } from '../../registry/sensor.ts';
import { type SensorGrpcParts, serveSensorGrpc } from '../server.ts';
import { PythonClient } from './python-client.ts';

/** The service for real on a port of the loopback interface, and a client of another implementation. */
export async function grpcLab(folder: string, more: Partial<SensorGrpcParts> = {}) {
  const lab = sensorLab(folder);
  const authority = await openAuthority(folder, () => new Date());
  const { store, registry, admission, commands } = lab.parts;
  const findings = createFindings({ store, now_ms: lab.now_ms, warn: lab.warn });
  // Certificates are checked by libraries that look at the clock of the machine.
  lab.clock.now_ms = Date.now();
  const service = await serveSensorGrpc({
    ...{ authority, registry, admission, commands, findings, evidence: lab.evidence, warn: lab.warn },
    ...{ now: () => new Date(lab.now_ms()), port: 0, host: '127.0.0.1' },
    names: () => ({ dns: ['localhost'], ip: ['127.0.0.1'] }),
    ...more,
  });
  const python = new PythonClient();
  const ca = authority.certificate_pem;
  const stranger = () => python.channel('stranger', { port: service.port, ca });
  const requestBytes = (message: Partial<RegisterRequest> = {}) =>
    RegisterRequest.encode(
      RegisterRequest.fromPartial({
        ...{ hostname: 'desk-7', os_version: 'Debian 12', agent_version: '1.0', needs_certificates: true },
        ...message,
      }),
    ).finish();
  return {
    ...{ lab, service, python, authority, findings, stranger, requestBytes },
    register: async (
      channel: string,
      metadata: [string, string][] = [],
      message: Partial<RegisterRequest> = {},
    ) => {
      const end = await python.unary(channel, Service.register.path, requestBytes(message), { metadata });
      return { ...end, response: end.body === null ? null : RegisterResponse.decode(end.body) };
    },
    /** Lets a sensor in by a code and opens a channel of its name with its certificate. @returns its id */
    async join(channel: string, tier: Tier = 'self_heal'): Promise<RegisterResponse> {
      await stranger();
      const { code } = await admission.makeCode('root', tier);
      const { response, details } = await this.register('stranger', [['bulkhead-admission-code', code]]);
      if (response === null) throw new Error(`it was not let in: ${details}`);
      await python.channel(channel, {
        ...{ port: service.port, ca },
        ...{ certificate: String(response.agent_cert_pem), key: String(response.agent_key_pem) },
      });
      return response;
    },
    async stop() {
      await python.end();
      await service.stop();
      findings.stop();
      await lab.close();
    },
  };
}

export type GrpcLab = Awaited<ReturnType<typeof grpcLab>>;
export { Service };

export const event = (more: Partial<DriftEvent> = {}): Uint8Array =>
  DriftEvent.encode(
    DriftEvent.fromPartial({
      ...{ hostname: 'desk-7', check_type: 'firewall', passed: false, expected: 'on', actual: 'off' },
      ...{ hipaa_control: '164.312(e)(1)', timestamp: Math.floor(Date.now() / 1000), metadata: {} },
      ...more,
    }),
  ).finish();

export const acks = (bodies: readonly Buffer[]): DriftAck[] => bodies.map((body) => DriftAck.decode(body));
