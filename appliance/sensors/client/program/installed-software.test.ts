import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../../base/run.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { linuxSoftware, packagesOf, programsOf, remembered } from './installed-software.ts';
import { SOFTWARE_COUNT_MAX, SOFTWARE_FRESH_MS, SOFTWARE_NAME_MAX } from './limits.ts';

const entry = (name: string, version: string, section: string, status = 'install ok installed') =>
  `Package: ${name}\nStatus: ${status}\nSection: ${section}\nArchitecture: all\nVersion: ${version}\nMaintainer: A <a@example.org>\nDescription: x\n`;

test.skipIf(!existsSync('/usr/bin/dpkg-query'))(
  "what is installed is asked of dpkg's own database, programs first",
  async () => {
    const root = makeFolder('dpkg');
    mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true });
    const packages = [
      entry('libz1', '1:1.3', 'libs'),
      entry('nano', '7.2-1', 'editors'),
      entry('gone', '1.0', 'editors', 'deinstall ok config-files'),
      entry('cron', '3.0', 'admin'),
    ];
    writeFileSync(join(root, 'var/lib/dpkg/status'), packages.join('\n'));
    expect(await linuxSoftware(run, root)).toEqual(['cron 3.0', 'nano 7.2-1', 'libz1 1:1.3']);
  },
);

test('a machine without a package manager has nothing to say', async () => {
  expect(await linuxSoftware(run, makeFolder('nothing'))).toEqual([]);
});

test('programs of Windows are those of its list, each once, in order', () => {
  const text = [
    ...['', 'DisplayName    : Zip Tool', 'DisplayVersion : 22.1', ''],
    ...['DisplayName    : Editor', 'DisplayVersion :', ''],
    ...['DisplayName    : Zip Tool', 'DisplayVersion : 22.1', ''],
  ];
  expect(programsOf(text.join('\r\n'))).toEqual(['Editor', 'Zip Tool 22.1']);
});

test('the list is no longer than the appliance takes, and neither is a name', () => {
  const lines = Array.from({ length: SOFTWARE_COUNT_MAX + 5 }, (_, index) => `installed\tweb\tp${index}\t1`);
  expect(packagesOf(lines.join('\n'))).toHaveLength(SOFTWARE_COUNT_MAX);
  expect(packagesOf(`installed\tweb\t${'n'.repeat(500)}\u001b[2J\t1`)[0]).toHaveLength(SOFTWARE_NAME_MAX);
});

test('it is looked at once in an hour; what cannot be looked at is what was known', async () => {
  let now_ms = 0;
  let looks = 0;
  const warnings: unknown[] = [];
  const software = remembered(
    async () => {
      looks += 1;
      if (looks === 2) throw new Error('the database is locked');
      return ['nano 7.2'];
    },
    { now_ms: () => now_ms, warn: (error) => warnings.push(error) },
  );
  for (const at_ms of [0, SOFTWARE_FRESH_MS - 1, SOFTWARE_FRESH_MS]) {
    now_ms = at_ms;
    expect(await software()).toEqual(['nano 7.2']);
  }
  expect([looks, warnings.length]).toEqual([2, 1]);
});

test('a connection does not wait for it for long; it is told with the next one', async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const software = remembered(() => promise, { now_ms: () => 0, warn: () => {}, wait_ms: 20 });
  expect(await software()).toEqual([]);
  resolve(['nano 7.2']);
  expect(await software()).toEqual(['nano 7.2']);
});
