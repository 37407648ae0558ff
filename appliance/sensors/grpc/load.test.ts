import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../../base/errors.ts';
import {
  HealthCheckRequest,
  HealthCheckResponse,
} from '../../../protocol/sensors/generated/grpc/health/v1/health.ts';
import {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from '../../../protocol/sensors/generated/grpc/reflection/v1/reflection.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import type { Detection } from '../../findings/detection.ts';
import { acks, event, type GrpcLab, grpcLab, Service } from './lab/grpc-lab.ts';
import { PythonClient } from './lab/python-client.ts';
import { DRIFT_QUEUE_MAX } from './limits.ts';
import type { SensorGrpcParts } from './server.ts';

/** On a busy machine, too. */
const PATIENT = { timeout: 10_000 };

const DRIFT = Service.reportDrift.path;
const HEARTBEAT = Service.heartbeat.path;

describe.skipIf(!PythonClient.available())('the sensor service when it is pressed', () => {
  let it: GrpcLab;
  afterEach(() => it.stop());
  const start = async (more: Partial<SensorGrpcParts> = {}) => {
    it = await grpcLab(makeFolder('grpc'), more);
    return it;
  };
  const stillAnswers = async (channel: string) =>
    expect((await it.python.unary(channel, HEARTBEAT, Buffer.alloc(0))).code).toBe('OK');

  test('reads a stream no faster than it is written down, and answers others meanwhile', async () => {
    let taken = 0;
    const stuck = Promise.withResolvers<never>();
    // Ends the test, not the wait.
    stuck.promise.catch(() => undefined);
    await start({
      findings: {
        record: (detections: readonly Detection[]) => {
          taken += detections.length;
          return stuck.promise;
        },
      },
    });
    await it.join('mine');
    await it.join('other');
    // 4 kB each: what the lines between hold is counted in kilobytes, not in messages.
    const large = event({ actual: 'x'.repeat(2_000), expected: 'y'.repeat(2_000) });
    const { sent } = await it.python.flood('mine', DRIFT, large, 2);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(DRIFT_QUEUE_MAX);
    // What went out is in the windows of HTTP/2 and the buffers of the sockets, and the client was told to wait.
    expect(sent).toBeLessThan(3_000);
    await stillAnswers('other');
    stuck.reject(new BulkheadError('SITE_STORE_STOPPED', 'the test is over'));
  });

  test('acknowledges nothing where the store is full, says so, and goes on when there is room', async () => {
    let full = true;
    const lab = await start();
    const { record } = lab.findings;
    lab.findings.record = (detections, closes_as) =>
      full
        ? Promise.reject(new BulkheadError('SITE_STORE_FULL', 'there is no room'))
        : record(detections, closes_as);
    await it.join('mine');
    await it.python.open('mine', 'a', DRIFT);
    await it.python.send('a', [event(), event({ metadata: { a: 'b' } })]);
    expect(await it.python.receive('a')).toMatchObject({
      ...{ bodies: [], code: 'RESOURCE_EXHAUSTED', trailers: { 'bulkhead-error': 'SITE_STORE_FULL' } },
    });
    full = false;
    await it.python.open('mine', 'b', DRIFT);
    await it.python.send('b', [event()], true);
    expect(acks((await it.python.receive('b')).bodies)).toMatchObject([{ received: true }]);
  });

  /** Connections on which nothing is said, each from another address of this machine. */
  const silent = (count: number, address: (index: number) => string) =>
    Array.from({ length: count }, (_, index) =>
      connect({ port: it.service.port, host: '127.0.0.1', localAddress: address(index) }).on(
        'error',
        () => {},
      ),
    );
  const ended = (sockets: Socket[]) => sockets.filter(({ closed, destroyed }) => closed || destroyed).length;

  test('ends a stream on which nothing comes', async () => {
    await start({ limits: { drift_idle_ms: 300 } });
    await it.join('mine');
    await it.python.open('mine', 's', DRIFT);
    await it.python.send('s', [event()]);
    expect(await it.python.receive('s')).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('has few places for strangers, whose number keeps no sensor out: neither one that is there nor one that comes', async () => {
    await start({ limits: { strangers_max: 12, strangers_per_address_max: 4 } });
    const { agent_cert_pem, agent_key_pem } = await it.join('mine');
    await it.python.unary('mine', HEARTBEAT, Buffer.alloc(0));
    const one = silent(8, () => '127.0.0.2');
    await expect.poll(() => ended(one), PATIENT).toBe(4);
    const many = silent(40, (index) => `127.0.0.${3 + (index % 4)}`);
    // Twelve, and that of the sensor.
    await expect.poll(() => it.service.load().connections, PATIENT).toBe(13);
    await stillAnswers('mine');
    const own = { certificate: String(agent_cert_pem), key: String(agent_key_pem) };
    await it.python.channel('again', { port: it.service.port, ca: it.authority.certificate_pem, ...own });
    await stillAnswers('again');
    for (const socket of [...one, ...many]) socket.destroy();
  });

  test('lets no stranger stay: not one who says nothing, nor one who waits to be let in, who comes again', async () => {
    await start({ limits: { stranger_ms: 400 } });
    await it.join('mine');
    await it.python.unary('mine', HEARTBEAT, Buffer.alloc(0));
    const claim: [string, string][] = [['bulkhead-claim-bin', randomBytes(32).toString('base64')]];
    await it.python.channel('waits', { port: it.service.port, ca: it.authority.certificate_pem });
    expect((await it.register('waits', claim)).code).toBe('FAILED_PRECONDITION');
    const [quiet] = silent(1, () => '127.0.0.2');
    await expect.poll(() => it.service.load().connections, PATIENT).toBe(1);
    expect(quiet?.closed || quiet?.destroyed).toBe(true);
    await stillAnswers('mine');
    expect((await it.register('waits', claim)).code).toBe('FAILED_PRECONDITION');
  });

  test('refuses calls beyond what one sensor may have open, and others go on', async () => {
    await start();
    const { agent_cert_pem, agent_key_pem } = await it.join('mine');
    await it.join('other');
    const own = { certificate: String(agent_cert_pem), key: String(agent_key_pem) };
    await it.python.channel('again', { port: it.service.port, ca: it.authority.certificate_pem, ...own });
    for (let index = 0; index < 100; index += 1) {
      await it.python.open(index < 60 ? 'mine' : 'again', `s${index}`, DRIFT);
      await it.python.send(`s${index}`, [event({ metadata: { index: String(index) } })]);
    }
    for (let index = 0; index < 100; index += 1) await it.python.receive(`s${index}`, 1);
    expect(await it.python.unary('mine', HEARTBEAT, Buffer.alloc(0))).toMatchObject({
      ...{ code: 'RESOURCE_EXHAUSTED', trailers: { 'bulkhead-error': 'SENSOR_RATE' } },
    });
    await stillAnswers('other');
    await it.python.send('s0', [], true);
    await it.python.receive('s0');
    await stillAnswers('mine');
  });

  test('shows a new certificate when the machine has a new address, and nobody notices', async () => {
    let ip = ['127.0.0.1'];
    await start({ names: () => ({ dns: ['localhost'], ip }) });
    await it.join('mine');
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const options = { port: it.service.port, host: '127.0.0.1', ca: it.authority.certificate_pem };
        const socket = connectTls({ ...options, ALPNProtocols: ['h2'] }, () => {
          resolve(`${socket.getPeerCertificate().subjectaltname} ${socket.getProtocol()}`);
          socket.destroy();
        }).on('error', reject);
      });
    const before = await shown();
    expect(before).toContain('TLSv1.3');
    ip = ['127.0.0.1', '192.0.2.44'];
    await it.service.lookAtNames();
    expect(await shown()).toContain('192.0.2.44');
    await stillAnswers('mine');
  });

  test('acknowledges what is written when it is stopped, and tells the others to come again', async () => {
    await start();
    await it.join('mine');
    await it.python.open('mine', 's', DRIFT);
    await it.python.send('s', [event()]);
    await it.python.receive('s', 1);
    const began = performance.now();
    await it.service.stop();
    expect(await it.python.receive('s')).toMatchObject({ code: 'UNAVAILABLE' });
    expect(performance.now() - began).toBeLessThan(6_000);
    expect((await it.python.unary('mine', HEARTBEAT, Buffer.alloc(0), { timeout_s: 2 })).code).toMatch(
      /UNAVAILABLE|DEADLINE_EXCEEDED/,
    );
  });

  test('tells its health, and what it can be asked, by the protocols of gRPC', async () => {
    let serving = true;
    await start({ serving: () => serving });
    await it.join('mine');
    const health = async (service: string) => {
      const body = HealthCheckRequest.encode({ service }).finish();
      const answer = await it.python.unary('mine', '/grpc.health.v1.Health/Check', body);
      return [answer.code, answer.body && HealthCheckResponse.decode(answer.body).status];
    };
    expect(await health('')).toEqual(['OK', 1]);
    expect(await health('compliance.ComplianceAgent')).toEqual(['OK', 1]);
    expect(await health('x.Y')).toEqual(['NOT_FOUND', null]);
    serving = false;
    expect(await health('')).toEqual(['OK', 2]);
    for (const version of ['v1', 'v1alpha']) {
      await it.python.open(
        'mine',
        version,
        `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      );
      const ask = (message_request: ServerReflectionRequest['message_request']) =>
        ServerReflectionRequest.encode({ host: '', message_request }).finish();
      await it.python.send(
        version,
        [
          ask({ $case: 'list_services', value: '' }),
          ask({ $case: 'file_containing_symbol', value: 'compliance.ComplianceAgent.ReportDrift' }),
          ask({ $case: 'file_by_filename', value: 'nothing.proto' }),
        ],
        true,
      );
      const { bodies } = await it.python.receive(version);
      const [list, file, none] = bodies.map((body) => ServerReflectionResponse.decode(body).message_response);
      if (list?.$case !== 'list_services_response' || file?.$case !== 'file_descriptor_response')
        throw new Error('these are no answers');
      expect(list.value.service.map(({ name }) => name).sort()).toEqual([
        ...['compliance.ComplianceAgent', 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'],
      ]);
      const [bytes = new Uint8Array()] = file.value.file_descriptor_proto;
      const registry = createFileRegistry(fromBinary(FileDescriptorProtoSchema, bytes), () => undefined);
      const methods = registry.getService('compliance.ComplianceAgent')?.methods.map(({ name }) => name);
      expect(methods).toEqual(['Register', 'ReportDrift', 'ReportHealing', 'Heartbeat', 'ReportRMMStatus']);
      expect(none).toMatchObject({ $case: 'error_response', value: { error_code: 5 } });
    }
  });
});
