import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startLab } from '../test/coordinator/coordinator-lab.ts';
import { Device } from '../test/coordinator/device.ts';
import { makeFolder } from '../test/unit/make-folder.ts';
import { entryHash } from './audit/chain.ts';
import { runProgram } from './program.ts';

async function coordinator(...args: string[]) {
  const said = { out: '', err: '', code: 0 };
  await runProgram(args, {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    setExitCode: (code) => (said.code = code),
  });
  return said;
}

test('help and version end well, a wrong command line is told', async () => {
  for (const args of [['--help'], ['serve', '--help'], ['--version']])
    expect(await coordinator(...args)).toMatchObject({ code: 0, err: '' });
  const wrong = await coordinator('serve', '--port', '99999', '--json');
  expect(wrong.code).toBe(1);
  expect(JSON.parse(wrong.err)).toMatchObject({ error: { code: 'COMMAND_USAGE' } });
});

test('an exported audit log is checked without a coordinator', async () => {
  const first = {
    sequence: 1,
    at_ms: 1,
    actor: 'a',
    action: 'b',
    subject: 'c',
    details: {},
    previous_hash: '0'.repeat(64),
  };
  const entry = { ...first, hash: entryHash(first) };
  const file = join(makeFolder('audit'), 'audit.jsonl');
  await Bun.write(file, `${JSON.stringify(entry)}\n`);
  expect(JSON.parse((await coordinator('audit', 'verify', file, '--json')).out)).toMatchObject({
    intact: true,
    entries: 1,
  });
  const cut = await coordinator('audit', 'verify', file, '--head', 'f'.repeat(64), '--json');
  expect(JSON.parse(cut.err)).toMatchObject({ error: { code: 'AUDIT_HEAD_MISSING' } });
  await Bun.write(file, `${JSON.stringify({ ...entry, actor: 'z' })}\n`);
  expect(await coordinator('audit', 'verify', file)).toMatchObject({
    code: 1,
    out: 'broken at entry 1: edited\n',
  });
  await Bun.write(file, 'no JSON\n');
  expect((await coordinator('audit', 'verify', file)).err).toContain('AUDIT_FILE_INVALID');
});

test('an operator signs in, lets an appliance in, orders and reads the log, from the command line alone', async () => {
  const lab = await startLab();
  const device = new Device(lab);
  const session = (
    await coordinator('sign-in', String(lab.firstSignIn?.code), '--server', lab.url)
  ).out.trim();
  const tokenFile = join(makeFolder('cli'), 'token');
  await Bun.write(tokenFile, session);
  const at = ['--server', lab.url, '--token-file', tokenFile];
  const waiting = await coordinator('device', 'list', '--state', 'pending', ...at);
  expect(waiting.out).toBe('none\n');
  await device.enrol({ serial: 'S1' });
  expect((await coordinator('device', 'list', '--state', 'pending', ...at)).out).toMatch(
    /^id .*\n.* pending +never +- +bulkhead-1a2b3c .* S1\n$/,
  );
  const shown = String((await device.enrol({ serial: 'S1' })).body['code']);
  expect(
    JSON.parse(
      (await coordinator('device', 'approve', shown, '--name', 'Lab', '--tag', 'site=b', ...at)).out,
    ),
  ).toEqual({ id: device.id });
  const made = JSON.parse((await coordinator('order', 'create', device.id, 'force_checkin', ...at)).out) as {
    id: string;
  };
  expect((await coordinator('order', 'list', ...at)).out).toContain(`${made.id}`);
  expect(await coordinator('order', 'cancel', made.id, ...at)).toMatchObject({ code: 0, err: '' });
  expect((await coordinator('order', 'cancel', made.id, ...at, '--json')).err).toContain(
    'ORDER_NOT_CANCELLABLE',
  );
  const api = (await coordinator('token', 'create', 'ci', 'read', ...at)).out;
  expect(api).toMatch(/^bht_/);
  const log = join(makeFolder('cli'), 'audit.jsonl');
  await Bun.write(log, (await coordinator('audit', 'export', ...at)).out);
  expect((await coordinator('audit', 'verify', log)).out).toMatch(/^\d+ entries, whole/);
});

test('a coordinator that is not there, and a token that is none, are told', async () => {
  expect((await coordinator('device', 'list', '--server', 'http://127.0.0.1:1')).err).toContain(
    'API_UNREACHABLE',
  );
  expect((await coordinator('device', 'list', '--server', 'nonsense')).err).toContain('API_ADDRESS');
  const lab = await startLab();
  expect((await coordinator('device', 'list', '--server', lab.url)).err).toContain('UNAUTHENTICATED');
  expect(
    (await coordinator('device', 'list', '--server', lab.url, '--token-file', '/nowhere')).err,
  ).toContain('API_TOKEN_FILE');
});

test('the process starts with nothing, prints its sign-in, and goes when told to', async () => {
  // From the source Bun looks for its settings (how JSX is compiled) where it is started, which is elsewhere here.
  const settings = ['--tsconfig-override', join(import.meta.dirname, '../tsconfig.json')];
  const child = Bun.spawn(
    [process.execPath, ...settings, join(import.meta.dirname, 'main.ts'), 'serve', '--port', '0', '--json'],
    {
      ...{ cwd: makeFolder('serve'), stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
      env: { PATH: process.env['PATH'] ?? '' },
    },
  );
  onTestFinished(() => child.kill('SIGKILL'));
  let said = '';
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (said.endsWith('}\n')) break;
  }
  const facts = JSON.parse(said) as { url: string; sign_in: { code: string } };
  const signedIn = await fetch(`${facts.url}/api/v1/session`, {
    ...{ method: 'POST', body: JSON.stringify({ code: facts.sign_in.code }) },
    headers: { 'content-type': 'application/json' },
  });
  expect(signedIn.status).toBe(200);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toContain('the coordinator is closed');
});
