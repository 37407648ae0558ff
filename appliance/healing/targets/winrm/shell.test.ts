import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../../../base/errors.ts';
import { makeCertificate } from '../../../../test/unit/make-certificate.ts';
import { startWinrmServer, type WinrmServer } from '../../../../test/winrm/winrm-server.ts';
import type { FakeRun } from '../../../../test/winrm/winrm-service.ts';
import { freePort } from '../lab/ssh-server.ts';
import type { WinrmPeer } from './connection.ts';
import { NTLM } from './ntlm/flags.ts';
import { type ShellTools, type WinrmShell, withWinrmShell } from './shell.ts';

const ACCOUNT = { user: 'Scan', domain: 'CLINIC', password: 'Pässwort "1"' };
const CERTIFICATE = await makeCertificate('IP:127.0.0.1');
const OTHER = await makeCertificate('IP:127.0.0.1');

let server: WinrmServer;
let run: (script: string) => FakeRun;
const left: unknown[] = [];
const tools = (more: Partial<ShellTools> = {}): ShellTools => ({
  chance: { random: randomBytes, now: () => new Date() },
  uuid: randomUUID,
  onLeft: (error) => left.push(error),
  ...more,
});
const peer = (more: Partial<WinrmPeer> = {}): WinrmPeer => ({
  ...{ address: '127.0.0.1', port: server.port, user: 'CLINIC\\scan', password: ACCOUNT.password },
  ...{ certificate_sha256: null, ...more },
});
const soon = () => AbortSignal.timeout(15_000);
const encoded = (script: string) => ['-EncodedCommand', Buffer.from(script, 'utf16le').toString('base64')];
const command = (shell: WinrmShell, script: string, timeout_ms = 10_000) =>
  shell.run('powershell.exe', encoded(script), { timeout_ms });
const once = (script: string, more: Partial<WinrmPeer> = {}) =>
  withWinrmShell(peer(more), tools(), soon(), (shell) => command(shell, script));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof BulkheadError ? error.code : error),
  );

const start = async (tls?: typeof CERTIFICATE) => {
  run = (script) => ({ stdout: `ran ${script}` });
  server = await startWinrmServer({
    account: ACCOUNT,
    run: (script) => run(script),
    ...(tls ? { tls } : {}),
  });
};
/** Nothing of ours is left: no shell, no connection, no message that the specification forbids. */
const nothingLeft = async () => {
  for (let tries = 0; server.connections() > 0 && tries < 60; tries += 1) await Bun.sleep(20);
  expect({ connections: server.connections(), shells: server.service.shells.size }).toEqual({
    connections: 0,
    shells: 0,
  });
  expect(server.service.complaints).toEqual([]);
};

describe('a shell over plain HTTP', () => {
  beforeEach(() => start());
  afterEach(async () => {
    await nothingLeft();
    expect(left.splice(0)).toEqual([]);
    await server.stop();
  });

  it('runs commands, every message sealed, output put together from its pieces', async () => {
    run = (script) => ({ stdout: `${'äöü€'.repeat(200)}${script}`, stderr: 'warn', code: 3 });
    const found = await withWinrmShell(peer(), tools(), soon(), async (shell) => [
      await command(shell, 'one & <two>'),
      await command(shell, 'three'),
    ]);
    expect(found[0]).toEqual({ code: 3, stdout: `${'äöü€'.repeat(200)}one & <two>`, stderr: 'warn' });
    expect(found[1]?.stdout).toMatch(/€three$/);
    const { asked } = server.service;
    expect(server.opened()).toBe(asked.length);
    expect([asked[0], asked[1], asked.at(-1), asked.filter((name) => name === 'Signal').length]).toEqual([
      'Create',
      'Command',
      'Delete',
      2,
    ]);
  });

  it('reads answers in chunks as well', async () => {
    server.faults = { chunked: true };
    expect(await once('x')).toMatchObject({ code: 0, stdout: 'ran x' });
  });

  it('lets in who writes the user in any of the three ways', async () => {
    for (const user of ['CLINIC\\scan', 'clinic\\SCAN', 'scan'])
      expect(await once('x', { user }), user).toMatchObject({ stdout: 'ran x' });
    expect(server.refusals).toEqual([]);
  });

  it('is not made with a wrong password or user, and none is left', async () => {
    expect(await codeOf(once('x', { password: 'wrong' }))).toBe('WINRM_LOGIN_REFUSED');
    expect(await codeOf(once('x', { user: 'CLINIC\\nobody' }))).toBe('WINRM_LOGIN_REFUSED');
    expect(server.refusals).toEqual(['wrong proof', 'another user']);
    expect(server.service.asked).toEqual([]);
  });

  it.each([
    [{ status: 404 }, 'WINRM_NOT_ENABLED'],
    [{ status: 403 }, 'WINRM_ACCESS_DENIED'],
    [{ status: 503 }, 'WINRM_PROTOCOL'],
    [{ scheme: 'Kerberos' }, 'WINRM_NO_NTLM'],
    [{ without_flags: NTLM.KEY_128 }, 'NTLM_TOO_WEAK'],
    [{ without_flags: NTLM.SEAL }, 'NTLM_TOO_WEAK'],
    [{ raw: Buffer.from('SSH-2.0-x\r\n\r\n') }, 'WINRM_HTTP_INVALID'],
    [{ raw: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n') }, 'WINRM_RESPONSE_TOO_LARGE'],
    [{ raw: Buffer.alloc(40_000, 'a') }, 'WINRM_RESPONSE_TOO_LARGE'],
    [
      { raw: Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n') },
      'WINRM_RESPONSE_TOO_LARGE',
    ],
    [{ raw: Buffer.from('HTTP/1.1 200 OK\r\n\r\n') }, 'WINRM_HTTP_INVALID'],
  ])('is not made by a server that does %j', async (faults, code) => {
    server.faults = faults;
    expect(await codeOf(once('x'))).toBe(code);
  });

  it('believes no answer that is not sealed, or was changed on the way', async () => {
    await withWinrmShell(peer(), tools({ onLeft: () => undefined }), soon(), async (shell) => {
      server.faults = { bend: true };
      expect(await codeOf(command(shell, 'x'))).toBe('NTLM_SIGNATURE_WRONG');
      server.faults = { plain: true };
      expect(await codeOf(command(shell, 'x'))).toBe('WINRM_NOT_ENCRYPTED');
      server.faults = {};
      throw new Error('over');
    }).catch((error: unknown) => expect(String(error)).toBe('Error: over'));
  });

  it.each([
    [5, 'WINRM_ACCESS_DENIED'],
    [2_150_859_174, 'WINRM_TOO_MANY_SHELLS'],
    [2_150_859_173, 'WINRM_TOO_MANY_OPERATIONS'],
    [1_234, 'WINRM_FAULT'],
  ])('tells fault %i by its code', async (fault, code) => {
    server.service.faults = { fault: { Create: fault } };
    const error = await once('x').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    if (code === 'WINRM_FAULT') expect(String(error)).toContain('(1234): told to fail');
  });

  it('is taken away when the work in it fails, or a fault comes in the middle', async () => {
    const broken = withWinrmShell(peer(), tools(), soon(), async (shell) => {
      await command(shell, 'x');
      throw new Error('mine');
    });
    await expect(broken).rejects.toThrow('mine');
    server.service.faults = { fault: { Receive: 1_726 } };
    expect(await codeOf(once('x'))).toBe('WINRM_FAULT');
    expect(server.service.asked.slice(-3)).toEqual(['Receive', 'Signal', 'Delete']);
  });

  it('ends a command that hangs, and takes shell and command away', async () => {
    run = () => ({ hangs: true });
    const started = performance.now();
    const hanging = withWinrmShell(peer(), tools(), soon(), (shell) => command(shell, 'x', 1200));
    expect(await codeOf(hanging)).toBe('WINRM_TIMEOUT');
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(server.service.asked.slice(-2)).toEqual(['Signal', 'Delete']);
  });

  it('ends a command that prints without end', async () => {
    run = () => ({ endless: true });
    expect(await codeOf(once('x'))).toBe('WINRM_OUTPUT_TOO_LARGE');
  });

  it('is left at once when the signal says so, and taken away over another connection', async () => {
    run = () => ({ hangs: true });
    const stop = new AbortController();
    const work = withWinrmShell(peer(), tools(), stop.signal, (shell) => command(shell, 'x'));
    setTimeout(() => stop.abort(new Error('enough')), 300);
    const started = performance.now();
    expect(await codeOf(work)).toBe('WINRM_STOPPED');
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(server.service.asked).toEqual(['Create', 'Command', 'Receive', 'Signal', 'Delete']);
  });

  it('is left when the machine goes silent, and that a shell stays there is told', async () => {
    const lost: unknown[] = [];
    const silent = withWinrmShell(
      peer(),
      tools({ grace_ms: 200, onLeft: (error) => lost.push(error) }),
      soon(),
      (shell) => {
        server.service.faults = { mute: ['Receive'], fault: { Delete: 1_726 } };
        return command(shell, 'x', 900);
      },
    );
    expect(await codeOf(silent)).toBe('WINRM_SILENT');
    expect(lost).toHaveLength(1);
    expect(server.service.shells.size).toBe(1);
    server.service.shells.clear();
  });

  it('is not waited for where nobody listens, or somebody never speaks', async () => {
    expect(await codeOf(once('x', { port: await freePort() }))).toBe('WINRM_UNREACHABLE');
    server.faults = { mute: true };
    const mute = withWinrmShell(peer(), tools(), AbortSignal.timeout(300), (shell) => command(shell, 'x'));
    expect(await codeOf(mute)).toBe('WINRM_STOPPED');
  });
});

describe('a shell over TLS', () => {
  beforeEach(() => start(CERTIFICATE));
  afterEach(async () => {
    await nothingLeft();
    await server.stop();
  });
  const pin = () => ({ certificate_sha256: server.fingerprint });

  it('is made with the pinned certificate, and the log-in is tied to the channel', async () => {
    expect(await once('x', pin())).toMatchObject({ code: 0, stdout: 'ran x' });
    const colons = server.fingerprint.toUpperCase().replace(/..(?=.)/g, '$&:');
    expect(await once('x', { certificate_sha256: colons })).toMatchObject({ stdout: 'ran x' });
    expect(server.refusals).toEqual([]);
  });

  it('is not made with another certificate, and nothing is said there', async () => {
    await server.stop();
    const { fingerprint } = server;
    await start(OTHER);
    expect(await codeOf(once('x', { certificate_sha256: fingerprint }))).toBe('WINRM_CERTIFICATE_DIFFERS');
    expect(server.refusals).toEqual([]);
    expect(server.service.asked).toEqual([]);
  });

  it('is not made where no TLS is spoken', async () => {
    await server.stop();
    await start();
    expect(await codeOf(once('x', { certificate_sha256: 'ab'.repeat(32) }))).toBe('WINRM_UNREACHABLE');
  });
});
