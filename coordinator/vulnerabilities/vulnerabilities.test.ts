import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { publishRelease } from '../client/publish.ts';
import { scanRelease } from '../client/scan.ts';
import { REQUEST_BODY_MAX_BYTES } from '../limits.ts';
import { type Part, readBill } from './bill.ts';
import { compareWithFeed } from './compare.ts';
import { compareDebianVersions } from './debian-version.ts';
import { readFeed } from './feed.ts';
import { FINDINGS_KEPT_MAX, NAME_MAX } from './limits.ts';

const box = installLab();
const deb = (name: string, version: string): Part => ({
  ecosystem: 'debian',
  name,
  version,
  suite: 'trixie',
});
const bill = (...purls: string[]) =>
  JSON.stringify({ bomFormat: 'CycloneDX', components: purls.map((purl) => ({ purl })) });

test('versions of Debian packages are in the order of deb-version(7)', () => {
  const rising = [
    ...[
      '0~~',
      '0~',
      '0',
      '0a',
      '1.0~rc1-1',
      '1.0-1~deb13u1',
      '1.0-1',
      '1.0-1+b1',
      '1.0-1+deb13u1',
      '1.0-2',
      '1.0-10',
    ],
    ...['1.0.1-1', '1.1', '2025a-1', '20251231235959123456789-1', '1:0.1-1', '2:0'],
  ];
  for (const [index, version] of rising.entries())
    for (const [other, against] of rising.entries())
      expect(Math.sign(compareDebianVersions(version, against)), `${version} ${against}`).toBe(
        Math.sign(index - other),
      );
  expect(compareDebianVersions('1.0', '1.0-0')).toBe(0);
  expect(compareDebianVersions('1.007-1', '1.7-1')).toBe(0);
  const version = fc.stringMatching(/^([0-9]:)?[0-9][A-Za-z0-9.+~]{0,8}(-[A-Za-z0-9+.~]{1,5})?$/);
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(compareDebianVersions(a, a)).toBe(0);
      expect(Math.sign(compareDebianVersions(a, b)) + Math.sign(compareDebianVersions(b, a))).toBe(0);
      if (compareDebianVersions(a, b) <= 0 && compareDebianVersions(b, c) <= 0)
        expect(compareDebianVersions(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

describe('a bill of materials', () => {
  test('names sources of Debian and packages of npm; what no feed knows is counted', () => {
    const text = bill(
      'pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie&upstream=glibc',
      'pkg:deb/debian/bash@5.2.37-2%2Bb10?arch=amd64&distro=trixie',
      'pkg:npm/%40grpc/grpc-js@1.14.7',
      'pkg:generic/bulkhead@1.0.0',
    );
    expect(readBill(text)).toEqual({
      parts: [
        deb('glibc', '2.41-12'),
        deb('bash', '5.2.37-2'),
        { ecosystem: 'npm', name: '@grpc/grpc-js', version: '1.14.7', suite: null },
      ],
      passed_over: 1,
    });
  });

  test.each(['', '[]', '{"bomFormat":"SPDX","components":[]}', '{"bomFormat":"CycloneDX"}'])(
    'that is none (%s) is refused',
    (text) => expect(() => readBill(text)).toThrow(expect.objectContaining({ code: 'SBOM_INVALID' })),
  );
});

const TRACKER = JSON.stringify({
  glibc: {
    'CVE-2026-0001': {
      releases: { trixie: { status: 'resolved', fixed_version: '2.41-13', urgency: 'high**' } },
    },
    'CVE-2026-0002': {
      releases: { trixie: { status: 'resolved', fixed_version: '2.41-12', urgency: 'high' } },
    },
    'CVE-2026-0003': { releases: { trixie: { status: 'open', urgency: 'unimportant' } } },
    'CVE-2026-0004': { releases: { trixie: { status: 'resolved', fixed_version: '0', urgency: 'high' } } },
    'CVE-2026-0005': { releases: { bookworm: { status: 'open', urgency: 'high' } } },
    'CVE-2026-0006': { releases: { trixie: { status: 'open', urgency: 'not yet assigned' } } },
  },
  other: { 'CVE-2026-0007': { releases: { trixie: { status: 'open', urgency: 'high' } } } },
});

test('against the tracker of Debian: what is not fixed in that suite, or only later', () => {
  const { counts, fixable, findings, parts } = compareWithFeed([deb('glibc', '2.41-12')], readFeed(TRACKER));
  expect(findings.map(({ id, severity, fixed }) => [id, severity, fixed])).toEqual([
    ['CVE-2026-0001', 'high', '2.41-13'],
    ['CVE-2026-0003', 'negligible', null],
    ['CVE-2026-0006', 'unknown', null],
  ]);
  expect(counts).toEqual({ critical: 0, high: 1, medium: 0, low: 0, negligible: 1, unknown: 1 });
  expect([parts, fixable]).toEqual([1, 1]);
});

describe('against OSV', () => {
  const osv = (id: string, ecosystem: string, name: string, more: object = {}) => ({
    ...{ id, aliases: [], database_specific: { severity: 'MODERATE' } },
    affected: [
      {
        package: { ecosystem, name },
        ranges: [
          { type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.2.0' }, { introduced: '2.0.0' }] },
        ],
      },
    ],
    ...more,
  });
  const npm = (version: string): Part => ({ ecosystem: 'npm', name: 'pg', version, suite: null });
  const found = (feed: unknown, part: Part) =>
    compareWithFeed([part], readFeed(JSON.stringify(feed))).findings.map(({ id, fixed }) => [id, fixed]);

  test('from where it came to where it went, and again', () => {
    const feed = [osv('GHSA-1', 'npm', 'pg')];
    expect(found(feed, npm('1.1.9'))).toEqual([['GHSA-1', '1.2.0']]);
    expect(found(feed, npm('1.2.0'))).toEqual([]);
    expect(found(feed, npm('2.0.0'))).toEqual([['GHSA-1', null]]);
  });

  test('two records about one CVE count once, the worse word counts, and what was withdrawn does not', () => {
    const feed = [
      osv('GHSA-1', 'npm', 'pg', { aliases: ['CVE-2026-1111'] }),
      osv('CVE-2026-1111', 'npm', 'pg', { database_specific: { severity: 'CRITICAL' } }),
      osv('GHSA-2', 'npm', 'pg', { withdrawn: '2026-01-01T00:00:00Z' }),
    ];
    const { findings } = compareWithFeed([npm('1.0.0')], readFeed(JSON.stringify(feed)));
    expect(findings).toMatchObject([{ id: 'CVE-2026-1111', severity: 'critical' }]);
  });

  test('of Debian counts for its suite alone, by the versions of Debian; records may come one a line', () => {
    const lines = ['Debian:13', 'Debian:12', 'PyPI'].map((ecosystem, index) =>
      JSON.stringify(osv(`DSA-${index}`, ecosystem, 'glibc')),
    );
    const feed = readFeed(`${lines.join('\n')}\n`);
    expect(compareWithFeed([deb('glibc', '1.2.0~rc1')], feed).findings.map(({ id }) => id)).toEqual([
      'DSA-0',
    ]);
  });
});

test.each(['', 'no JSON', '[]', '{}', '{"id":"CVE-2026-1"}', '[1,2]'])(
  'what is no feed (%s) is refused',
  (text) => expect(() => readFeed(text)).toThrow(expect.objectContaining({ code: 'FEED_INVALID' })),
);

test('counts are of all, names of the worst', () => {
  const releases = { trixie: { status: 'open', urgency: 'low' } };
  const entries = Array.from({ length: FINDINGS_KEPT_MAX + 5 }, (_, index) => [
    `CVE-2026-1${index}`,
    { releases },
  ]);
  const feed = readFeed(JSON.stringify({ bash: Object.fromEntries(entries) }));
  const { counts, findings } = compareWithFeed([deb('bash', '1')], feed);
  expect([counts.low, findings.length]).toEqual([FINDINGS_KEPT_MAX + 5, FINDINGS_KEPT_MAX]);
  const longest = 'x'.repeat(NAME_MAX);
  const finding = { id: longest, package: longest, version: longest, fixed: longest, severity: 'negligible' };
  const body = JSON.stringify({
    ...compareWithFeed([], feed),
    findings: Array(FINDINGS_KEPT_MAX).fill(finding),
  });
  expect(body.length).toBeLessThan(REQUEST_BODY_MAX_BYTES - 1_000);
});

test('a release is compared by whoever has the feed, and its page and the API say what came of it', async () => {
  const lab = await startLab({ release_keys: TEST_KEYS_FILE });
  const api = await administrator(lab);
  const purl = 'pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie&upstream=glibc';
  await box.full('new', undefined, { sbom: new TextEncoder().encode(bill(purl)) });
  const release = { channel: 'stable', floors: [] };
  const { id } = (await publishRelease(api, box.bundleFile('new'), release)) as { id: string };
  const at = `/api/v1/releases/${id}`;
  expect(await api.call('GET', at)).toMatchObject({ vulnerabilities: null });
  const feed = join(makeFolder('feed'), 'tracker.json');
  await expect(scanRelease(api, id, feed)).rejects.toMatchObject({ code: 'FEED_UNREADABLE' });
  writeFileSync(feed, TRACKER);
  await scanRelease(api, id, feed);
  expect(await api.call('GET', at)).toMatchObject({
    vulnerabilities: { feed: { kind: 'debian' }, counts: { high: 1 }, fixable: 1, compared_by: 'user:admin' },
  });
  // Once more is the newer one, not a second one.
  await scanRelease(api, id, feed);
  const page = (await new Visitor(lab, await lab.admin()).see(`/releases/${id}`)).html;
  for (const words of ['CVE-2026-0001', 'glibc 2.41-12', '2.41-13', '1 high']) expect(page).toContain(words);
  await expect(api.call('PUT', `${at}/vulnerabilities`, { counts: {} })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
  });
  expect(await api.call('GET', '/api/v1/audit/verify')).toMatchObject({ intact: true });
});
