import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { authoritiesFor } from './authorities.ts';

const coordinator = { url: 'https://c.example.org:8443/base', ca_certificate: 'OUR AUTHORITY' };
const ours = 'https://c.example.org:8443/artifacts/1';
const mirror = 'https://mirror.example.org/1';

test('a release of the coordinator is fetched by its authority, and one from elsewhere by the public ones', () => {
  expect(authoritiesFor([ours], coordinator)).toBe('OUR AUTHORITY');
  expect(authoritiesFor([ours, 'http://cache.example.org/1'], coordinator)).toBe('OUR AUTHORITY');
  expect(authoritiesFor([mirror], coordinator)).toBeUndefined();
  expect(authoritiesFor(['https://c.example.org/1', '/a/file'], coordinator)).toBeUndefined();
  expect(authoritiesFor([ours], { ...coordinator, ca_certificate: null })).toBeUndefined();
  expect(authoritiesFor([ours], { ...coordinator, url: null })).toBeUndefined();
});

test('where both serve it, both count', () => {
  const both = authoritiesFor([mirror, ours], coordinator) ?? '';
  expect(both.startsWith('OUR AUTHORITY\n-----BEGIN CERTIFICATE-----')).toBe(true);
  expect(rootCertificates.length).toBeGreaterThan(50);
  expect(both).toContain(rootCertificates[0] ?? 'none');
});
