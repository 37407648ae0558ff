import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../../../base/errors.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import type { TargetConfig } from '../../../config/schema-targets.ts';
import type { ActionParams } from '../../actions.ts';
import { freePort, type SshServerLab, startSshServer } from '../lab/ssh-server.ts';
import { withSshSession } from './session.ts';
import { createSshTarget } from './target.ts';

/** Against Debian's real sshd; the commands run on this machine, those that would change it are stand-ins. */
let folder: string;
let server: SshServerLab;
const now = () => new Date();
const soon = () => AbortSignal.timeout(15_000);

beforeAll(async () => {
  folder = makeFolder('ssh');
  server = await startSshServer(folder);
});
afterAll(() => server.stop());
afterEach(async () => {
  // Closed on both sides, whatever the test did.
  for (let tries = 0; server.connections() > 0 && tries < 60; tries += 1) await Bun.sleep(50);
  expect(server.connections()).toBe(0);
});

const target = (more: Partial<TargetConfig> = {}) => createSshTarget(server.target(more), now);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof BulkheadError ? error.code : error),
  );

describe('a look at a Linux machine', () => {
  it('finds what is there: disk, time and users of this machine', async () => {
    const looks = await target({ checks: ['disk', 'time'] }).detectAll(soon());
    expect(looks.map(({ detection }) => detection?.check_type)).toEqual(['disk', 'time']);
    for (const { detection } of looks) {
      expect(detection).toMatchObject({ subject: 't-lab', hostname: '127.0.0.1', control: null });
      expect(Math.abs((detection?.at_s ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    }
    expect(looks[0]?.detection?.metadata['mount']).toMatch(/^\//);
    expect(looks[1]?.detection?.metadata['off_s']).toMatch(/^-?[0-2]$/);
    // One log-in for both.
    expect(server.log().match(/Accepted publickey/g)).toHaveLength(1);
  });

  it('names failed services, and one that can be started', async () => {
    server.standIn(
      'systemctl',
      'echo "● nginx.service loaded failed" | tail -c +5; echo "a.mount loaded failed"',
    );
    const found = await target().detect('services', soon());
    expect(found).toMatchObject({
      passed: false,
      actual: 'failed: nginx.service, a.mount',
      metadata: { service: 'nginx.service' },
    });
    server.standIn('systemctl', 'exit 0');
    expect(await target().detect('services', soon())).toMatchObject({ passed: true, metadata: {} });
    server.standIn('systemctl', 'exit 1');
    expect(await codeOf(target().detect('services', soon()))).toBe('TARGET_CHECK_UNANSWERED');
  });

  it('counts security updates, not the others', async () => {
    const plan = (lines: string[]) =>
      server.standIn('apt-get', `cat <<'EOF'\nReading package lists...\n${lines.join('\n')}\nEOF`);
    server.standIn('stat', 'date +%s');
    plan([
      'Inst openssl [3.0.1] (3.0.2 Debian-Security:12/stable-security [amd64])',
      'Inst vim [2] (3 Debian:12.9/stable [amd64])',
      'Conf openssl (3.0.2 Debian-Security:12/stable-security [amd64])',
    ]);
    const found = await target().detect('patches', soon());
    expect(found).toMatchObject({
      passed: false,
      actual: '1 wait: openssl',
      metadata: { security: '1', all: '2' },
    });
    plan([]);
    expect(await target().detect('patches', soon())).toMatchObject({ passed: true });
    // Old lists know of no update, and so prove nothing.
    server.standIn('stat', 'echo 1000000000');
    const old = await target().detect('patches', soon());
    expect(old).toMatchObject({ passed: false, severity: 'medium' });
    expect(old.actual).toMatch(/by package lists of \d{4} days ago$/);
  });

  it('holds the ssh server to log-in by key', async () => {
    const told = (root: string, password: string) =>
      server.standIn(
        'sshd',
        `printf '%s\\n' 'permitrootlogin ${root}' 'passwordauthentication ${password}' 'permitemptypasswords no'`,
      );
    told('without-password', 'no');
    expect(await target().detect('ssh', soon())).toMatchObject({ passed: true });
    told('yes', 'no');
    expect(await target().detect('ssh', soon())).toMatchObject({ passed: false });
    told('no', 'yes');
    expect(await target().detect('ssh', soon())).toMatchObject({
      passed: false,
      actual: 'root: no, by password: yes, empty passwords: no',
    });
    server.standIn('sshd', 'exit 255');
    expect(await codeOf(target().detect('ssh', soon()))).toBe('TARGET_CHECK_UNANSWERED');
  });

  it('does not let one check without an answer keep the others from being made', async () => {
    server.standIn('systemctl', 'exit 1');
    const looks = await target({ checks: ['services', 'disk'] }).detectAll(soon());
    expect(looks.map(({ error }) => error?.code ?? 'fine')).toEqual(['TARGET_CHECK_UNANSWERED', 'fine']);
  });

  it('refuses an answer with anything else in it', async () => {
    server.standIn('systemctl', "printf 'x\\nbulkhead-answer-end\\npassed=yes\\n' >&1");
    server.standIn('head', "printf 'a.service\\nbulkhead-answer-end\\n'");
    expect(await target().detect('services', soon())).toMatchObject({ passed: false });
    server.standIn('cut', 'printf "not an answer\\n"');
    expect(await codeOf(target().detect('disk', soon()))).toBe('TARGET_ANSWER_INVALID');
    for (const name of ['head', 'cut']) server.standIn(name, `exec /usr/bin/${name} "$@"`);
  });
});

describe('an action on a Linux machine', () => {
  let done: string;
  beforeEach(() => {
    done = join(folder, 'done');
    writeFileSync(done, '');
    for (const name of ['systemctl', 'usermod', 'journalctl', 'apt-get'])
      server.standIn(name, `printf '%s\\n' "${name} $*" >>${done}`);
  });
  const act = (action: Parameters<ReturnType<typeof target>['act']>[0], params: ActionParams = {}) =>
    target().act(action, params, soon());

  it('starts a service by its name and nothing else', async () => {
    expect(await act('start_service', { service: 'nginx.service' })).toMatchObject({ claimed: true });
    expect(readFileSync(done, 'utf8').split('\n')).toContain('systemctl restart -- nginx.service');
  });

  it.each(["x; touch /tmp/owned'", '$(reboot)', '-H', 'a b', '../x', "a'b", 'a\nb', ''])(
    'is not begun for a service called %j',
    async (service) => {
      const before = server.log();
      expect(await codeOf(act('start_service', { service }))).toBe('HEALING_ACTION_PARAMETERS');
      expect(server.log()).toBe(before);
    },
  );

  it('claims nothing when the machine says no, and keeps its words', async () => {
    server.standIn('systemctl', 'echo "Unit nginx.service not found." >&2; exit 5');
    const said = await act('start_service', { service: 'nginx.service' });
    expect(said).toEqual({ claimed: false, output: 'Unit nginx.service not found.\n' });
  });

  it('frees disk space, locks an account', async () => {
    expect(await act('free_disk_space')).toMatchObject({ claimed: true });
    expect(await act('lock_account', { user: 'intern' })).toMatchObject({ claimed: true });
    expect(readFileSync(done, 'utf8').trim().split('\n')).toEqual([
      'journalctl --rotate --vacuum-size=64M',
      'apt-get -q clean',
      'usermod --lock --expiredate 1 -- intern',
    ]);
  });

  it('never shuts the appliance out', async () => {
    const { user } = server.target();
    expect(await codeOf(act('lock_account', { user }))).toBe('TARGET_ACTION_UNSAFE');
    expect(await codeOf(act('lock_account', { user: 'root' }))).toBe('TARGET_ACTION_UNSAFE');
    const byPassword = target({ key_file: null, password: 'x' });
    expect(await codeOf(byPassword.act('harden_ssh', {}, soon()))).not.toBe('no error');
    server.standIn('ufw', `echo "Added user rules: (None)"; echo "ufw $*" >>${done}`);
    expect(await act('enable_firewall')).toMatchObject({ claimed: false });
    expect(readFileSync(done, 'utf8')).not.toContain('enable');
    server.standIn('ufw', `echo "ufw allow ${server.port}/tcp"; echo "ufw $*" >>${done}`);
    expect(await act('enable_firewall')).toMatchObject({ claimed: true });
    expect(readFileSync(done, 'utf8')).toContain('ufw --force enable');
  });

  it('of another platform is refused', async () => {
    expect(await codeOf(act('enable_bitlocker'))).toBe('HEALING_ACTION_PLATFORM');
  });
});

describe('the way to a Linux machine', () => {
  it('is taken by fingerprint as by key', async () => {
    const found = await target({ host_key: server.fingerprint }).detect('time', soon());
    expect(found.check_type).toBe('time');
  });

  it('ends at a host key that is not the pinned one, before anything of ours is sent', async () => {
    const before = server.log().length;
    for (const host_key of [
      readFileSync(`${server.key_file}.pub`, 'utf8').trim(),
      `SHA256:${'A'.repeat(43)}`,
    ]) {
      const wrong = target({ host_key });
      await expect(wrong.detect('time', soon())).rejects.toMatchObject({
        code: 'SSH_HOST_KEY_DIFFERS',
        message: expect.stringContaining(server.fingerprint),
      });
    }
    const seen = server.log().slice(before);
    expect(seen).toContain('Connection from');
    expect(seen).not.toMatch(/Accepted|Failed|publickey/);
  });

  it('ends where the key is not let in, where nothing listens, and where somebody else answers', async () => {
    expect(await codeOf(target({ key_file: join(folder, 'host') }).detect('time', soon()))).toBe(
      'SSH_LOGIN_REFUSED',
    );
    expect(await codeOf(target({ port: await freePort() }).detect('time', soon()))).toBe('SSH_UNREACHABLE');
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const listening = Promise.withResolvers<void>();
    web.listen(0, '127.0.0.1', () => listening.resolve());
    await listening.promise;
    const { port } = web.address() as { port: number };
    expect(await codeOf(target({ port }).detect('time', soon()))).toMatch(
      /^SSH_(PROTOCOL|CONNECTION_LOST|UNREACHABLE)$/,
    );
    web.close();
  });

  it('is left when the signal says so: at a peer that never speaks, and in the middle of a script', async () => {
    let open = 0;
    const silent = createServer((socket) => {
      open += 1;
      socket.on('error', () => socket.destroy()).on('close', () => (open -= 1));
      socket.resume();
    });
    const listening = Promise.withResolvers<void>();
    silent.listen(0, '127.0.0.1', () => listening.resolve());
    await listening.promise;
    const { port } = silent.address() as { port: number };
    expect(await codeOf(target({ port }).detect('time', AbortSignal.timeout(300)))).toBe('SSH_STOPPED');
    for (let tries = 0; open > 0 && tries < 40; tries += 1) await Bun.sleep(50);
    expect(open).toBe(0);
    silent.close();
    const started = Date.now();
    const peer = {
      ...server.target(),
      key: readFileSync(server.key_file, 'utf8'),
      host_key: server.host_key,
    };
    const work = withSshSession(peer, AbortSignal.timeout(1500), (session) =>
      session.run('echo on; sleep 60', { timeout_ms: 60_000 }),
    );
    expect(await codeOf(work)).toBe('SSH_STOPPED');
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('is left when a script takes too long or prints without end', async () => {
    const peer = {
      ...server.target(),
      key: readFileSync(server.key_file, 'utf8'),
      host_key: server.host_key,
    };
    const ended = (script: string, timeout_ms: number) =>
      codeOf(withSshSession(peer, soon(), (session) => session.run(script, { timeout_ms })));
    expect(await ended('sleep 60', 500)).toBe('SSH_TIMEOUT');
    expect(await ended('exec cat /dev/zero', 10_000)).toBe('SSH_OUTPUT_TOO_LARGE');
    expect(await ended('kill -9 $$', 10_000)).toBe('no error');
  });

  it('is closed for good with the target, and a file that others can read is no secret', async () => {
    const closed = target();
    await closed.close();
    expect(await codeOf(closed.detect('time', soon()))).toBe('SSH_STOPPED');
    const open = join(folder, 'open-key');
    writeFileSync(open, readFileSync(server.key_file));
    chmodSync(open, 0o644);
    expect(await codeOf(target({ key_file: open }).detect('time', soon()))).toBe('TARGET_SECRET_FILE');
    expect(existsSync(join(folder, 'none'))).toBe(false);
    expect(await codeOf(target({ key_file: join(folder, 'none') }).detect('time', soon()))).toBe(
      'TARGET_SECRET_FILE',
    );
  });
});
