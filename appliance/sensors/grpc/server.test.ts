import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import {
  HealingAck,
  HealingResult,
  HeartbeatRequest,
  HeartbeatResponse,
  RMMStatusReport,
} from '../../../protocol/sensors/generated/compliance.ts';
import { makeCertificate } from '../../../test/unit/make-certificate.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { acks, event, type GrpcLab, grpcLab, Service } from './lab/grpc-lab.ts';
import { PythonClient } from './lab/python-client.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DRIFT = Service.reportDrift.path;
const HEARTBEAT = Service.heartbeat.path;
const heartbeat = (more: Partial<HeartbeatRequest> = {}) =>
  HeartbeatRequest.encode(HeartbeatRequest.fromPartial(more)).finish();

// python3-grpcio is a package of the set-up; without it there is no other implementation to test against.
describe.skipIf(!PythonClient.available())(
  'the sensor service and a client of another implementation',
  () => {
    let it: GrpcLab;
    let folder: string;
    beforeEach(async () => {
      folder = makeFolder('grpc');
      it = await grpcLab(folder);
    });
    afterEach(() => it.stop());

    const command = {
      command_id: 'c-1',
      check_type: 'ssh',
      action: 'start_service',
      params: { service: 'ssh' },
      timeout_s: 60,
    };
    const stillAnswers = async (channel: string) => {
      const { code } = await it.python.unary(channel, HEARTBEAT, heartbeat());
      expect(code).toBe('OK');
    };

    describe('Register', () => {
      test('by a code gives a certificate that all other calls need, and says what the sensor may do', async () => {
        const response = await it.join('mine', 'full_remediation');
        expect(response).toMatchObject({
          agent_id: expect.stringMatching(/^s-[0-9a-f]{16}$/),
          ...{ check_interval_seconds: 300, capability_tier: 2 },
          enabled_checks: ['patches', 'ssh', 'firewall', 'disk', 'services', 'time', 'users'],
        });
        const certificate = new X509Certificate(response.agent_cert_pem);
        expect(certificate.verify(new X509Certificate(response.ca_cert_pem).publicKey)).toBe(true);
        const { code, body } = await it.python.unary(
          'mine',
          HEARTBEAT,
          heartbeat({ drift_count: 2, agent_version: '1.1' }),
        );
        expect([code, body && HeartbeatResponse.decode(body)]).toMatchObject([
          'OK',
          { acknowledged: true, config_changed: false, pending_commands: [], update_available: false },
        ]);
        expect(it.lab.parts.registry.find(response.agent_id)).toMatchObject({
          drift_count: 2,
          agent_version: '1.1',
        });
      });

      test('by approval: waits, and is in at the next try', async () => {
        await it.stranger();
        const claim: [string, string][] = [['bulkhead-claim-bin', randomBytes(32).toString('base64')]];
        const first = await it.register('stranger', claim);
        expect(first).toMatchObject({
          code: 'FAILED_PRECONDITION',
          trailers: { 'bulkhead-error': 'SENSOR_WAITING' },
        });
        const [waiting] = it.lab.parts.admission.waiting();
        expect(first.details).toContain(waiting?.fingerprint ?? 'nobody');
        await it.lab.parts.admission.approve({
          ...{ fingerprint: waiting?.fingerprint ?? '', by: 'operator', tier: 'monitor_only' },
        });
        expect(await it.register('stranger', claim)).toMatchObject({
          code: 'OK',
          response: { capability_tier: 0 },
        });
      });

      test('with a certificate request leaves the key where it is', async () => {
        await runOrThrow(run, 'openssl', [
          ...[
            'req',
            '-new',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-subj',
            '/CN=x',
          ],
          ...['-keyout', join(folder, 'own.key'), '-out', join(folder, 'own.csr')],
        ]);
        await it.stranger();
        const { code } = await it.lab.parts.admission.makeCode('root', 'self_heal');
        const metadata = (csr: Uint8Array): [string, string][] => [
          ['bulkhead-admission-code', code],
          ['bulkhead-csr-bin', Buffer.from(csr).toString('base64')],
        ];
        // One that is refused does not use up the code.
        expect(await it.register('stranger', metadata(Buffer.from('x')))).toMatchObject({
          code: 'INVALID_ARGUMENT',
        });
        const { response } = await it.register('stranger', metadata(readFileSync(join(folder, 'own.csr'))));
        expect(response?.agent_key_pem).toHaveLength(0);
        await it.python.channel('mine', {
          ...{ port: it.service.port, ca: it.authority.certificate_pem },
          ...{
            certificate: String(response?.agent_cert_pem),
            key: readFileSync(join(folder, 'own.key'), 'utf8'),
          },
        });
        await stillAnswers('mine');
      });

      test('is refused without a code and with wrong ones; three of them block the address, and sensors of it go on', async () => {
        await it.join('mine');
        expect(await it.register('stranger')).toMatchObject({ code: 'FAILED_PRECONDITION' });
        for (let index = 0; index < 3; index += 1)
          expect(await it.register('stranger', [['bulkhead-admission-code', 'AAAA-BBBB']])).toMatchObject({
            ...{ code: 'PERMISSION_DENIED', trailers: { 'bulkhead-error': 'SENSOR_CODE_UNKNOWN' } },
          });
        expect(await it.register('stranger', [['bulkhead-admission-code', 'AAAA-BBBB']])).toMatchObject({
          ...{ code: 'RESOURCE_EXHAUSTED', trailers: { 'bulkhead-error': 'SENSOR_BLOCKED' } },
        });
        await stillAnswers('mine');
      });

      test('renews the certificate in its last thirty days, and the old one ends when the new one is used', async () => {
        const { agent_id } = await it.join('mine');
        const before = await it.register('mine', [], {
          hostname: 'desk-8',
          installed_software: ['nano 7.2'],
        });
        expect(before.response?.agent_cert_pem).toHaveLength(0);
        expect(it.lab.parts.registry.find(agent_id)).toMatchObject({ hostname: 'desk-8' });
        expect(it.lab.parts.registry.software.of(agent_id)).toEqual(['nano 7.2']);
        it.lab.pass(336 * DAY_MS);
        const { response } = await it.register('mine');
        expect(it.lab.record.at(-1)).toMatchObject({ kind: 'sensor.renewed' });
        await stillAnswers('mine');
        await it.python.channel('new', {
          ...{ port: it.service.port, ca: it.authority.certificate_pem },
          ...{ certificate: String(response?.agent_cert_pem), key: String(response?.agent_key_pem) },
        });
        await stillAnswers('new');
        await expect
          .poll(async () => (await it.python.unary('mine', HEARTBEAT, heartbeat())).code)
          .toBe('UNAUTHENTICATED');
      });
    });

    describe('events', () => {
      test('are on the disk when they are acknowledged, in order; twice is once, and two in a second are two', async () => {
        const { agent_id } = await it.join('mine');
        const one = event({ agent_id });
        const two = event({ metadata: { number: '2' } });
        await it.python.open('mine', 's', DRIFT);
        await it.python.send('s', [one, two, one], true);
        const { bodies, code } = await it.python.receive('s');
        const [first, second, again] = acks(bodies);
        expect([code, bodies.length, first?.received, first?.error]).toEqual(['OK', 3, true, '']);
        expect(again?.event_id).toBe(first?.event_id ?? '');
        expect(second?.event_id).not.toBe(first?.event_id);
        expect(
          it.findings
            .events({})
            .map(({ event_id }) => event_id)
            .sort(),
        ).toEqual([first?.event_id, second?.event_id].sort());
        expect(it.findings.open()).toMatchObject([
          { subject: agent_id, check_type: 'firewall', control: '164.312(e)(1)' },
        ]);
      });

      test('that are wrong are answered with the field, and the others go on', async () => {
        await it.join('mine');
        await it.python.open('mine', 's', DRIFT);
        await it.python.send(
          's',
          [event({ check_type: 'Fire wall' }), event({ expected: 'x'.repeat(5000) }), event()],
          true,
        );
        const { bodies, code } = await it.python.receive('s');
        expect([code, ...acks(bodies)]).toMatchObject([
          'OK',
          { received: false, event_id: '', error: expect.stringContaining('check_type') },
          { received: false, error: expect.stringContaining('expected') },
          { received: true, error: '' },
        ]);
      });

      test('that are no events, or of another sensor, end the stream behind those in front of them', async () => {
        await it.join('mine');
        for (const [bad, code] of [
          [Buffer.from('ff'.repeat(20), 'hex'), 'INVALID_ARGUMENT'],
          [event({ agent_id: 's-0000000000000000' }), 'PERMISSION_DENIED'],
        ] as const) {
          await it.python.open('mine', code, DRIFT);
          await it.python.send(code, [event({ metadata: { code } }), bad, event()]);
          const end = await it.python.receive(code);
          expect([end.code, acks(end.bodies).map(({ received }) => received)]).toEqual([code, [true]]);
        }
        await stillAnswers('mine');
      });

      test('bring the command that follows from them with their acknowledgement, once; a heartbeat brings it again', async () => {
        const { agent_id } = await it.join('mine');
        const { commands, registry } = it.lab.parts;
        it.findings.onDetection(() => {
          // Who decides that asks whether the sensor can be reached; this is the first that is heard of it.
          expect(registry.find(agent_id)?.last_heard_at).not.toBeNull();
          setTimeout(() => commands.give(agent_id, command), 20);
        });
        await it.python.open('mine', 's', DRIFT);
        await it.python.send('s', [event()]);
        const [ack] = acks((await it.python.receive('s', 1)).bodies);
        expect(ack?.heal_command).toEqual({
          ...{ command_id: 'c-1', check_type: 'ssh', action: 'start_service', params: { service: 'ssh' } },
          timeout_seconds: 60,
        });
        await it.python.send('s', [event()]);
        expect(acks((await it.python.receive('s', 1)).bodies)[0]?.heal_command).toBeUndefined();
        const beat = async () => {
          const { body } = await it.python.unary('mine', HEARTBEAT, heartbeat());
          return HeartbeatResponse.decode(body ?? Buffer.alloc(0)).pending_commands.map(
            ({ command_id }) => command_id,
          );
        };
        expect(await beat()).toEqual(['c-1']);
        const told: boolean[] = [];
        commands.onResult(({ success }) => told.push(success));
        const result = HealingResult.encode(
          HealingResult.fromPartial({ command_id: 'c-1', check_type: 'ssh', success: true, timestamp: 5 }),
        ).finish();
        const ids = [];
        for (let index = 0; index < 2; index += 1) {
          const { code, body } = await it.python.unary('mine', Service.reportHealing.path, result);
          ids.push([code, HealingAck.decode(body ?? Buffer.alloc(0))]);
        }
        expect(ids[0]).toEqual(['OK', { event_id: expect.stringMatching(/^e-/), received: true }]);
        expect(ids[1]).toEqual(ids[0]);
        expect([told, await beat()]).toEqual([[true], []]);
      });

      test('of a sensor that only monitors never bring a command', async () => {
        const { agent_id } = await it.join('mine', 'self_heal');
        it.lab.parts.commands.give(agent_id, command);
        await it.lab.parts.registry.setTier(agent_id, 'monitor_only');
        await it.python.open('mine', 's', DRIFT);
        await it.python.send('s', [event()], true);
        expect(acks((await it.python.receive('s')).bodies)).toMatchObject([
          { received: true, heal_command: undefined },
        ]);
        const { body } = await it.python.unary('mine', HEARTBEAT, heartbeat());
        expect(HeartbeatResponse.decode(body ?? Buffer.alloc(0))).toMatchObject({
          ...{ config_changed: true, pending_commands: [] },
        });
      });

      test('of programs for remote management are recorded as an observation', async () => {
        const { agent_id } = await it.join('mine');
        const report = RMMStatusReport.fromPartial({
          detected_agents: [{ name: 'Helper', version: '2.1', running: true, service_name: 'helper' }],
          timestamp: Math.floor(Date.now() / 1000),
        });
        const { code } = await it.python.unary(
          'mine',
          Service.reportRmmStatus.path,
          RMMStatusReport.encode(report).finish(),
        );
        expect(code).toBe('OK');
        expect(it.findings.events({ subject: agent_id })).toMatchObject([
          { check_type: 'rmm', passed: true, actual: 'Helper 2.1 running' },
        ]);
      });
    });

    describe('refuses', () => {
      test('every call but Register without a certificate of a sensor that is in', async () => {
        await it.join('mine');
        const foreign = await makeCertificate('DNS:x');
        await it.python.channel('foreign', {
          ...{ port: it.service.port, ca: it.authority.certificate_pem },
          ...{ certificate: foreign.certificate, key: foreign.key },
        });
        const never = await it.authority.issueClient('s-0000000000000000');
        await it.python.channel('never', {
          ...{ port: it.service.port, ca: it.authority.certificate_pem },
          ...{ certificate: never.certificate_pem, key: never.key_pem ?? '' },
        });
        for (const channel of ['stranger', 'foreign', 'never'])
          for (const path of [HEARTBEAT, Service.reportHealing.path, '/grpc.health.v1.Health/Check'])
            expect([channel, (await it.python.unary(channel, path, Buffer.alloc(0))).code]).toEqual([
              ...[channel, 'UNAUTHENTICATED'],
            ]);
        await it.python.open('stranger', 's', DRIFT);
        expect(await it.python.receive('s')).toMatchObject({ code: 'UNAUTHENTICATED' });
        await stillAnswers('mine');
      });

      test('a revoked sensor at once, its open streams too, and what it brings to Register', async () => {
        const { agent_id } = await it.join('mine');
        await it.join('other');
        await it.python.open('mine', 's', DRIFT);
        await it.python.send('s', [event()]);
        await it.python.receive('s', 1);
        await it.lab.parts.registry.revoke(agent_id);
        expect(await it.python.receive('s')).toMatchObject({
          ...{ code: 'PERMISSION_DENIED', trailers: { 'bulkhead-error': 'SENSOR_REVOKED' } },
        });
        expect(await it.python.unary('mine', HEARTBEAT, heartbeat())).toMatchObject({
          code: 'PERMISSION_DENIED',
        });
        expect(await it.register('mine')).toMatchObject({ code: 'PERMISSION_DENIED' });
        await stillAnswers('other');
      });

      test('messages that are too large, are none, or have a wrong field, which is named', async () => {
        await it.join('mine');
        const large = await it.python.unary('mine', HEARTBEAT, Buffer.alloc(1024 * 1024), { times: 5 });
        expect(large.code).toBe('RESOURCE_EXHAUSTED');
        const none = await it.python.unary('mine', HEARTBEAT, Buffer.from('ffffff', 'hex'));
        expect(none).toMatchObject({
          code: 'INVALID_ARGUMENT',
          trailers: { 'bulkhead-error': 'SENSOR_MESSAGE' },
        });
        const wrong = await it.python.unary('mine', HEARTBEAT, heartbeat({ drift_count: -1 }));
        expect(wrong).toMatchObject({
          code: 'INVALID_ARGUMENT',
          details: expect.stringContaining('drift_count'),
        });
        const strange = await it.python.unary('mine', '/compliance.ComplianceAgent/Format', Buffer.alloc(0));
        expect(strange.code).toBe('UNIMPLEMENTED');
        await stillAnswers('mine');
      });
    });
  },
);
