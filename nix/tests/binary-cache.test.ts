import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { evaluateModules, NIX, nixpkgsLib } from './evaluate.ts';

/** Runs a script of nix/binary-cache as the module does; `nix` is a program that writes down what it is asked for. */
function machine() {
  const folder = makeFolder('cache');
  const at = (name: string) => join(folder, name);
  for (const name of ['queue', 'store', 'bin']) mkdirSync(at(name));
  const paths = ['bulkhead-1.0', 'firefox-99', 'bulkhead-coordinator-1.0'].map((name, index) => {
    const path = at(`store/${`${index}`.repeat(32)}-${name}`);
    writeFileSync(path, name);
    return path;
  });
  const asked = () => readFileSync(at('asked'), 'utf8').trim().split('\n');
  writeFileSync(at('asked'), '');
  const cacheAnswers = (failures: number) => {
    writeFileSync(at('failures'), `${failures}`);
    writeFileSync(
      at('bin/nix'),
      `#!/bin/sh\necho "$@" >>${at('asked')}\nleft=$(cat ${at('failures')})\n[ "$left" -gt 0 ] || exit 0\necho $((left - 1)) >${at('failures')}\nexit 1\n`,
    );
    chmodSync(at('bin/nix'), 0o755);
  };
  const sh = (script: string, environment: Record<string, string>) =>
    Bun.spawnSync(['bash', join(NIX, 'binary-cache', script)], {
      env: {
        PATH: `${at('bin')}:${process.env['PATH']}`,
        ...{ QUEUE: at('queue'), FILTER: '^bulkhead', CACHE: 'https://cache.example/main', TOKEN_FILE: '' },
        ...{ OWN_NAMES: 'builder builder.example.org', ATTEMPTS: '3', FIRST_PAUSE_S: '0', TIMEOUT_S: '10' },
        ...environment,
      },
      stderr: 'pipe',
    });
  return { at, paths, asked, cacheAnswers, sh, queue: () => readdirSync(at('queue')).length };
}

describe('publishing to a binary cache', () => {
  it('writes down what the filter lets through, and publishes it later, each path once', () => {
    const { at, paths, asked, cacheAnswers, sh, queue } = machine();
    cacheAnswers(0);
    expect(sh('enqueue.sh', { OUT_PATHS: paths.join(' ') }).exitCode).toBe(0);
    expect(queue()).toBe(2);
    expect(asked()).toEqual(['']);
    expect(sh('publish.sh', {}).exitCode).toBe(0);
    expect(asked()).toEqual([
      `copy --to https://cache.example/main ${paths[0]}`,
      `copy --to https://cache.example/main ${paths[2]}`,
    ]);
    expect(queue()).toBe(0);
    expect(readdirSync(at('store'))).toHaveLength(3);
  });

  it('never fails a build, even where the queue cannot be written', () => {
    const { at, paths, sh } = machine();
    writeFileSync(at('file'), '');
    const ended = sh('enqueue.sh', { OUT_PATHS: paths.join(' '), QUEUE: at('file/queue') });
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr.toString()).toContain('is not published');
    expect(sh('enqueue.sh', {}).exitCode).toBe(0);
  });

  it('tries again, and leaves in the queue what was never taken', () => {
    const { asked, cacheAnswers, paths, sh, queue } = machine();
    cacheAnswers(2);
    sh('enqueue.sh', { OUT_PATHS: paths[0] ?? '' });
    expect(sh('publish.sh', {}).exitCode).toBe(0);
    expect(asked()).toHaveLength(3);
    cacheAnswers(9);
    sh('enqueue.sh', { OUT_PATHS: paths.join(' ') });
    const ended = sh('publish.sh', {});
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr.toString()).toContain('was not taken after 3 attempts');
    expect(queue()).toBe(2);
  });

  it('publishes nothing to the host itself, and nothing with a token that others can read', () => {
    const { at, asked, cacheAnswers, paths, sh, queue } = machine();
    cacheAnswers(0);
    sh('enqueue.sh', { OUT_PATHS: paths.join(' ') });
    for (const own of ['http://localhost:8080/main', 'https://user@builder.example.org/main'])
      expect(sh('publish.sh', { CACHE: own }).stderr.toString(), own).toContain('is this host itself');
    writeFileSync(at('token'), 'machine cache.example password secret');
    chmodSync(at('token'), 0o644);
    expect(sh('publish.sh', { TOKEN_FILE: at('token') }).stderr.toString()).toContain('not of mode 0600');
    expect(sh('publish.sh', { TOKEN_FILE: at('none') }).stderr.toString()).toContain('not there');
    expect([asked(), queue()]).toEqual([[''], 2]);
    chmodSync(at('token'), 0o600);
    expect(sh('publish.sh', { TOKEN_FILE: at('token') }).exitCode).toBe(0);
    expect(asked()[0]).toBe(`copy --netrc-file ${at('token')} --to https://cache.example/main ${paths[0]}`);
  });

  it('forgets what was collected as garbage in the meantime', () => {
    const { at, cacheAnswers, sh, queue } = machine();
    cacheAnswers(9);
    symlinkSync(at('store/gone'), at('queue/gone'));
    expect(sh('publish.sh', {}).exitCode).toBe(0);
    expect(queue()).toBe(0);
  });
});

describe.skipIf(nixpkgsLib === undefined)('the module of the binary cache', () => {
  const cache = (settings: string) =>
    evaluateModules<{ environment: Record<string, string>; hook: string }>(
      ['binary-cache'],
      `{ services.bulkhead-binary-cache = { enable = true; url = "https://cache.example.org"; }; ${settings} }`,
      '{ inherit (system.config.systemd.services.bulkhead-cache-publish) environment; hook = system.config.nix.settings.post-build-hook.text; }',
    );

  it('gives the scripts every variable that they read', async () => {
    const { selected, refused } = await cache('');
    expect(refused).toEqual([]);
    const read = (script: string) =>
      [...readFileSync(join(NIX, 'binary-cache', script), 'utf8').matchAll(/\$\{?([A-Z_]{4,})/g)].map(
        ([, name]) => name,
      );
    expect([...new Set(read('publish.sh'))].sort()).toEqual(Object.keys(selected.environment).sort());
    for (const name of new Set(read('enqueue.sh')))
      expect(name === 'OUT_PATHS' || selected.hook.includes(`${name}=`), name).toBe(true);
  });

  it('refuses a host that is a cache itself, and a token in the store', async () => {
    expect((await cache('services.harmonia.enable = true;')).refused.join()).toContain('publish to itself');
    await expect(cache('services.bulkhead-binary-cache.tokenFile = "/nix/store/token";')).rejects.toThrow(
      'is not of type',
    );
  });
});
