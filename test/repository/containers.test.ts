import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startLab, stopLabs } from '../coordinator/coordinator-lab.ts';
import { makeFolder } from '../unit/make-folder.ts';
import { ROOT, readText } from './tree.ts';

interface Service {
  image: string;
  build?: object;
  volumes?: string[];
  secrets?: string[];
  configs?: { source: string }[];
  healthcheck?: { interval: string; timeout: string };
  entrypoint?: string[];
  environment?: Record<string, string>;
}
const compose = parse(readText('compose.yaml')) as {
  services: Record<string, Service>;
  configs: Record<string, { content: string }>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, null>;
};
const services = Object.entries(compose.services);
afterAll(stopLabs);

test('every service of the composition has a health check and a version, and what it names is there', () => {
  expect(services.map(([name]) => name)).toEqual(['coordinator', 'postgres', 'prometheus', 'grafana']);
  for (const [name, service] of services) {
    // That of the coordinator is in its image.
    const check = service.healthcheck ?? (name === 'coordinator' ? healthCheck() : undefined);
    expect(check, name).toMatchObject({ interval: '30s', timeout: '10s' });
    if (service.build === undefined) expect(service.image, name).toMatch(/:v?\d+\.\d+[\w.-]*$/);
    for (const volume of service.volumes ?? []) {
      const [from = ''] = volume.split(':');
      if (from.startsWith('./')) expect(existsSync(join(ROOT, from)), volume).toBe(true);
      else expect(Object.keys(compose.volumes), volume).toContain(from);
    }
    for (const secret of service.secrets ?? [])
      expect(compose.secrets[secret]?.file).toBe(`./secrets/${secret}`);
    for (const { source } of service.configs ?? [])
      expect(() => parse(compose.configs[source]?.content ?? '{'), source).not.toThrow();
    for (const [variable, value] of Object.entries(service.environment ?? {}))
      if (/PASSWORD|SECRET|TOKEN/.test(variable)) expect(value, variable).toMatch(/^\/run\/secrets\//);
  }
  expect(readText('.gitignore')).toContain('/secrets/');
  expect(readText('.dockerignore')).toContain('secrets\n');
});

test('what the image is built of is there, by the commands of this tree', () => {
  const file = readText('Containerfile');
  for (const [, sources = ''] of file.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
    for (const source of sources.split(' ')) expect(existsSync(join(ROOT, source)), source).toBe(true);
  expect(file).toContain('RUN node scripts/setup.mjs --npm');
  expect(file).toContain('scripts/build.ts coordinator');
  for (const [, base = ''] of file.matchAll(/^FROM (\S+)/gm)) expect(base).toMatch(/:\d+/);
  // What Debian's Podman knows: it refuses to build an image with any other word.
  const words = [...(/^HEALTHCHECK (.*)/m.exec(file)?.[1] ?? '').matchAll(/--([a-z-]+)=/g)];
  expect(['interval', 'retries', 'start-period', 'timeout']).toEqual(
    expect.arrayContaining(words.map(([, word]) => word)),
  );
  expect(words.length).toBeGreaterThan(1);
});

test('the health check passes for a coordinator that answers, and fails where there is none', async () => {
  const { port, stop } = await startLab();
  const check = (at: number) => {
    const [program = '', ...args] = healthCheck().command;
    // Not in step with this process, which the coordinator runs in.
    return Bun.spawn([program, ...args.map((arg) => arg.replace('/8000', `/${at}`))], { stderr: 'ignore' })
      .exited;
  };
  expect(await check(port)).toBe(0);
  await stop();
  expect(await check(port)).not.toBe(0);
});

test('the password of the database gets from its file into the address, and nowhere else', () => {
  const [shell = '', flag = '', line = ''] = compose.services['coordinator']?.entrypoint ?? [];
  const folder = makeFolder('compose');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'database'), 'a1b2c3\n');
  writeFileSync(join(folder, 'bin/bulkhead-coordinator'), '#!/bin/sh\necho "$DATABASE_URL" "$@"\n', {
    mode: 0o755,
  });
  // Compose writes one dollar for two.
  const script = line.replaceAll('$$', '$').replace('/run/secrets/database', join(folder, 'database'));
  const { stdout } = Bun.spawnSync([shell, flag, script, 'serve', '--port', '8000'], {
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` },
  });
  expect(stdout.toString()).toBe('postgres://bulkhead:a1b2c3@postgres/bulkhead serve --port 8000\n');
});

function healthCheck() {
  const file = readFileSync(join(ROOT, 'Containerfile'), 'utf8');
  const [, options = '', command = '[]'] = /^HEALTHCHECK (.*?)\\\n\s*CMD (\[.*\])$/m.exec(file) ?? [];
  const option = (name: string) => new RegExp(`--${name}=(\\S+)`).exec(options)?.[1];
  return {
    interval: option('interval'),
    timeout: option('timeout'),
    command: JSON.parse(command) as string[],
  };
}
