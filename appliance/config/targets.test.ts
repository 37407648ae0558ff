import { describe, expect, it } from 'vitest';
import { mergeLayers } from './layers.ts';
import { parseConfigText } from './parse.ts';
import { formatConfig } from './present.ts';
import { formatProblem } from './problem.ts';

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJCX430SnIlJSrFPlTeIz/pLdecWAi0nUZ8wFHR+lvML';
const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nnot-to-be-shown\n-----END OPENSSH PRIVATE KEY-----\n';
const SSH = {
  name: 'files',
  address: '192.0.2.7',
  way: 'ssh',
  user: 'bulkhead',
  host_key: HOST_KEY,
  key_file: '/etc/keys/files',
};
const WINRM = {
  name: 'front-desk',
  address: 'desk.example',
  way: 'winrm',
  user: 'CLINIC\\scan',
  password: 'hunter2 x',
};

const parse = (...targets: object[]) => parseConfigText(JSON.stringify({ targets }), 'c.yaml');
const said = (...targets: object[]) => parse(...targets).problems.map(formatProblem);

describe('a target', () => {
  it('needs little: the rest follows from the way it is reached', () => {
    const { problems, config } = parse(SSH, WINRM, {
      ...WINRM,
      name: 'b',
      certificate_sha256: 'ab'.repeat(32),
    });
    expect(problems).toEqual([]);
    expect(config.targets[0]).toEqual({
      ...SSH,
      platform: 'linux',
      port: 22,
      password: null,
      password_file: null,
      key: null,
      certificate_sha256: null,
      tier: 'monitor_only',
      checks: ['patches', 'ssh', 'firewall', 'disk', 'services', 'time', 'users'],
      interval_s: 300,
    });
    expect(config.targets.map(({ port, platform }) => `${platform} ${port}`)).toEqual([
      'linux 22',
      'windows 5985',
      'windows 5986',
    ]);
    expect(config.targets[1]?.checks).toContain('bitlocker');
  });

  it.each([
    ['no host key', { ...SSH, host_key: null }, /targets\[0\]\.host_key: is missing: without it anybody/],
    ['a host key of nothing', { ...SSH, host_key: 'SHA256:abc' }, /is no fingerprint/],
    ['nothing to log in with', { ...SSH, key_file: null }, /exactly one of password, password_file, key/],
    ['two things to log in with', { ...SSH, password: 'x' }, /exactly one of/],
    ['a relative path', { ...SSH, key_file: 'keys/files' }, /is not an absolute path/],
    ['a path that climbs', { ...SSH, key_file: '/etc/../root/key' }, /is not an absolute path/],
    ['a certificate for ssh', { ...SSH, certificate_sha256: 'ab'.repeat(32) }, /belongs to winrm/],
    ['a check of the other platform', { ...SSH, checks: ['bitlocker'] }, /bitlocker: no check of linux/],
    ['a check that does not exist', { ...SSH, checks: ['weather'] }, /the name of a check/],
    ['no checks', { ...SSH, checks: [] }, /checks: .*a list of checks/],
    ['TLS without a certificate', { ...WINRM, port: 5986 }, /certificate_sha256: is missing: port 5986/],
    [
      'a certificate without TLS',
      { ...WINRM, port: 5985, certificate_sha256: 'ab'.repeat(32) },
      /5985 speaks no TLS/,
    ],
    ['a key for winrm', { ...WINRM, key_file: '/etc/k' }, /key_file: belongs to ssh/],
    ['the other platform', { ...WINRM, platform: 'linux' }, /Linux machines are reached by ssh/],
    ['a user that is an option', { ...SSH, user: '-oProxyCommand=x' }, /is not the name of a user/],
    ['a name with a slash', { ...SSH, name: '../x' }, /targets\[0\]\.name/],
    ['a port of nowhere', { ...SSH, port: 0 }, /from 1 to 65535/],
    ['hurry', { ...SSH, interval_s: 1 }, /seconds from 60/],
    ['an unknown field', { ...SSH, hostkey: 'x' }, /unknown key; did you mean 'host_key'/],
  ])('with %s is refused', (_, entry, message) => {
    const found = said(entry);
    expect(found.join('\n')).toMatch(message);
    expect(parse(entry).ok).toBe(false);
  });

  it('has a name of its own', () => {
    expect(said(SSH, SSH)).toEqual(["c.yaml:1: targets[1].name: 'files' has an entry already"]);
  });

  it('never shows what it logs in with, right or wrong', () => {
    const { values } = parse({ ...SSH, key_file: null, key: KEY }, WINRM);
    const merged = mergeLayers([{ layer: 'device', values }]);
    const shown = formatConfig({ ...merged, problems: [], refused: [] });
    expect(shown).toContain('files');
    expect(shown).not.toMatch(/not-to-be-shown|hunter2/);
    expect(merged.config.targets[0]?.key).toBe(KEY);
    const wrong = said(
      { ...WINRM, password: 'hunter2\nhunter2' },
      { ...SSH, key: 'not-to-be-shown', name: 'b' },
    );
    expect(wrong).toHaveLength(2);
    expect(wrong.join()).not.toMatch(/not-to-be-shown|hunter2/);
  });
});
