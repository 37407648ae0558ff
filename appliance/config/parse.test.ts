import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONFIG_MAX_BYTES } from './limits.ts';
import { readingOf } from './migrations.ts';
import { parseConfigText } from './parse.ts';
import { formatProblem } from './problem.ts';
import { builtInConfig } from './schema.ts';

const said = (text: string) => parseConfigText(text, 'c.yaml').problems.map(formatProblem);

describe('a configuration file', () => {
  it('may be empty, or nothing but comments, or have empty sections', () => {
    for (const text of [
      '',
      '\n',
      '# nothing\n',
      '---\n',
      'network:\nssh:\n',
      'firewall: {}\n',
      '\uFEFFsite_id: x\n',
    ]) {
      expect(parseConfigText(text, 'c.yaml'), JSON.stringify(text)).toMatchObject({ ok: true, problems: [] });
    }
  });

  it('sets what it says and leaves the rest built-in', () => {
    const { config, values } = parseConfigText('coordinator:\n  url: https://c.example.org/api\n', 'c.yaml');
    expect(config).toEqual({
      ...builtInConfig(),
      coordinator: { ...builtInConfig().coordinator, url: 'https://c.example.org/api' },
    });
    expect([...values]).toEqual([
      ['coordinator.url', { value: 'https://c.example.org/api', source: 'c.yaml', line: 2 }],
    ]);
  });

  it('is refused with the line, the key and the key that was probably meant', () => {
    const text = [
      'site_id: clinic 7',
      'hostnam: box',
      'coordinator:',
      '  url: http://c.example.org',
      '  poll_interval: 5',
      'poll_interval_s: 9',
      'time: {zone: europe/berlin}',
      'ssh: off',
    ].join('\n');
    expect(said(text)).toEqual([
      "c.yaml:1: site_id: 'clinic 7' is not 1 to 64 letters, digits, '.', '_' or '-', starting with a letter or digit",
      "c.yaml:2: hostnam: unknown key; did you mean 'hostname'?",
      'c.yaml:4: coordinator.url: the value (not shown) does not start with https://',
      "c.yaml:5: coordinator.poll_interval: unknown key; did you mean 'coordinator.poll_interval_s'?",
      "c.yaml:6: poll_interval_s: unknown key; did you mean 'coordinator.poll_interval_s'?",
      "c.yaml:7: time.zone: 'europe/berlin' is spelt 'Europe/Berlin'",
      'c.yaml:8: ssh: is a section; below it may stand: authorized_keys',
    ]);
  });

  it('is refused as a whole: nothing of it is in force when one line is wrong', () => {
    const parsed = parseConfigText('site_id: good\nnonsense: 1\n', 'c.yaml');
    expect(parsed).toMatchObject({ ok: false, config: builtInConfig() });
    expect(parsed.values.size).toBe(0);
  });

  it('holds numbers to their range', () => {
    const poll = (value: string) => said(`coordinator:\n  poll_interval_s: ${value}\n`);
    expect(poll('10')).toEqual([]);
    expect(poll('3600')).toEqual([]);
    for (const wrong of ['9', '3601', '60.5', '-1', '"60"', '.inf', 'null', '0x10000']) {
      expect(poll(wrong)[0], wrong).toMatch(
        /^c\.yaml:2: coordinator\.poll_interval_s: .*a whole number of seconds from 10/,
      );
    }
  });

  it('takes a text as it was typed, even when YAML would see a number in it', () => {
    const { config } = parseConfigText(
      'site_id: 0123\nnetwork: {wifi: {ssid: 1e3, passphrase: 0123456789}}',
      'c.yaml',
    );
    expect(config.site_id).toBe('0123');
    expect(config.network.wifi).toEqual({ ssid: '1e3', passphrase: '0123456789', country: null });
  });

  it.each([
    ['an alias', 'site_id: &a x\nhostname: *a', /anchors and aliases/],
    [
      'an alias bomb',
      `a: &a [x,x]\nb: &b [*a,*a]\nnetwork:\n  interfaces: [*b,*b,*b]`,
      /anchors and aliases/,
    ],
    ['a tag', 'site_id: !!binary aGk=', /tags/],
    ['a tag for the whole file', '!!set {site_id}', /not a list of keys/],
    ['a merge key', '<<: {site_id: x}', /'?<<'?: unknown key/],
    ['a duplicate key', 'site_id: a\nsite_id: b', /not valid YAML/],
    ['two documents', 'site_id: a\n---\nsite_id: b', /not valid YAML/],
    ['a key that is a list', '? [a]\n: b', /not a key/],
    ['a prototype', '__proto__: {x: 1}\nconstructor: 1', /__proto__: unknown key/],
    [
      'a prototype inside a value',
      'network: {wifi: {__proto__: {}, ssid: a, passphrase: 12345678}}',
      /unknown key/,
    ],
    ['a list', '- a\n- b', /not a list of keys/],
    ['a text', 'hello', /not a list of keys/],
    ['tabs', 'network:\n\twifi: null', /not valid YAML/],
    ['too many bytes', `#${'x'.repeat(CONFIG_MAX_BYTES)}`, /bytes, at most/],
    ['brackets without end', '['.repeat(CONFIG_MAX_BYTES - 1), /not valid YAML|nested too deeply/],
    ['lists in lists', '- '.repeat(CONFIG_MAX_BYTES / 2), /not a list of keys|not valid YAML/],
    ['deep nesting in a key', `network: {interfaces: ${'['.repeat(40)}${']'.repeat(40)}}`, /nested deeper/],
  ])('refuses %s', (_, text, reason) => {
    const parsed = parseConfigText(text, 'c.yaml');
    expect(parsed.ok).toBe(false);
    expect(parsed.problems.map(formatProblem).join('\n')).toMatch(reason);
  });

  it('never quotes a passphrase, whatever is wrong with it or around it', () => {
    const secret = 'hunter2-hunter2';
    for (const text of [
      `network: {wifi: ${secret}}`,
      `network: {wifi: [${secret}]}`,
      `network: {wifi: {ssid: a, passphrase: ["${secret}"]}}`,
      `network: {wifi: {ssid: a, passphrase: "${secret}\u00e9"}}`,
      `network: {wifi: {ssid: a, passphrase: "${secret}, country: x}}`,
      `network:\n  wifi:\n    ssid: a\n    passphrase: ${secret}: x\n`,
      `network:\n  wifi:\n    passphrase: &${secret} x\n    ssid: *${secret}\n`,
      `network:\n  wifi:\n    ssid: a\n   passphrase: ${secret}\n`,
    ]) {
      const { ok, problems } = parseConfigText(text, 'c.yaml');
      expect(ok, text).toBe(false);
      expect(problems.map(formatProblem).join('\n'), text).not.toContain(secret);
    }
  });

  it('never quotes what stands where secrets are pasted: URLs, keys, and anything that looks like one', () => {
    const secret = 'hunter2-hunter2';
    for (const text of [
      `coordinator: {url: "https://tech:${secret}@c.example.org"}`,
      `coordinator: {url: "https://c.example.org/?token=${secret}"}`,
      `coordinator: {url: ${secret}}`,
      `coordinator: {url: [${secret}]}`,
      `coordinator: {provision_code: ${secret}}`,
      `coordinator: {provision_code: [${secret}]}`,
      `coordinator: {ca_certificate: ${secret}}`,
      `coordinator:\n  ca_certificate: |\n    -----BEGIN PRIVATE KEY-----\n    ${secret}\n`,
      `update: {url: "https://tech:${secret}@c.example.org"}`,
      `update: {url: ${secret}}`,
      `ssh: {authorized_keys: ${secret}}`,
      `ssh: {authorized_keys: [${secret}]}`,
      `ssh: {authorized_keys: ["ssh-ed25519 ${secret}"]}`,
      `ssh:\n  authorized_keys:\n    - |\n      -----BEGIN OPENSSH PRIVATE KEY-----\n      ${secret}\n`,
      `site_id: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  ${secret}\n`,
      `hostname: https://tech:${secret}@c.example.org`,
      `network: {wifi: {ssid: a, passphrase: bbbbbbbb, country: ${secret}}}`,
      `network: {wifi: {ssid: [${secret}], passphrase: bbbbbbbb}}`,
      `coordinator: {"https://tech:${secret}@c.example.org": }`,
    ]) {
      const { ok, problems } = parseConfigText(text, 'c.yaml');
      expect(ok, text).toBe(false);
      expect(problems.map(formatProblem).join('\n'), text).not.toContain(secret);
    }
  });

  it('reports at most a screenful of problems', () => {
    const text = Array.from({ length: 5000 }, (_, index) => `key_${index}: 1`).join('\n');
    expect(parseConfigText(text, 'c.yaml').problems).toHaveLength(20);
  });

  it('never throws and never half applies, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), yamlLike()), (text) => {
        const parsed = parseConfigText(text, 'c.yaml');
        expect(parsed.ok).toBe(!parsed.problems.some(({ severity }) => severity === 'error'));
        if (!parsed.ok) expect(parsed.config).toEqual(builtInConfig());
      }),
      { numRuns: 300 },
    );
  });
});

describe('an interface', () => {
  const interfaces = (entry: string) =>
    parseConfigText(`network:\n  interfaces:\n    - ${entry}\n`, 'c.yaml');

  it('uses DHCP unless it has addresses', () => {
    expect(interfaces('{match: eth0}').config.network.interfaces[0]?.dhcp).toBe(true);
    expect(interfaces('{match: eth0, addresses: [10.0.0.2/8]}').config.network.interfaces[0]).toEqual({
      match: 'eth0',
      dhcp: false,
      addresses: ['10.0.0.2/8'],
      gateway: null,
      dns: [],
    });
  });

  it.each([
    [
      '{match: eth0, addresses: [10.0.0.2]}',
      /addresses\[0\]: '10.0.0.2' is not an address with prefix length/,
    ],
    ['{match: eth0, addresses: [10.0.0.256/24]}', /addresses\[0\]/],
    ['{match: eth0, addresses: [fe80::1%eth0/64]}', /addresses\[0\]/],
    ['{match: eth0, addresses: [10.0.0.2/33]}', /addresses\[0\]/],
    [
      '{match: eth0, addresses: [10.0.0.2/24], gateway: 10.0.1.1}',
      /gateway: '10.0.1.1' lies in none of the networks/,
    ],
    ['{match: eth0, addresses: [10.0.0.2/24], gateway: 10.0.0.2}', /is the address of this interface itself/],
    ['{match: eth0, addresses: [10.0.0.2/24], gateway: "2001:db8::1"}', /lies in none of the networks/],
    ['{match: eth0, dhcp: false}', /would have no address/],
    ['{match: eth0, dhcp: yes}', /dhcp: 'yes' is not valid: expected true or false/],
    ['{match: lo}', /neither an interface name/],
    ['{match: "eth0\\nAddress=1.2.3.4"}', /neither an interface name/],
    ['{match: eth0, dns: ["9.9.9.9\\n[Match]"]}', /dns\[0\]: '9.9.9.9\\x0a\[Match\]' is not an IP address/],
    ['{addresses: [10.0.0.2/24]}', /interfaces\[0\]\.match: is missing/],
    ['{match: eth0}\n    - {match: eth0}', /interfaces\[1\]\.match: 'eth0' has an entry already/],
    ['{match: 00:11:22:33:44:aa}\n    - {match: 00-11-22-33-44-AA}', /interfaces\[1\]\.match/],
    ['eth0', /interfaces\[0\]: 'eth0' is not valid/],
  ])('%s is refused', (entry, reason) => {
    expect(interfaces(entry).problems.map(formatProblem).join('\n')).toMatch(reason);
  });

  it('may have its router in the network of a second address, or a link-local one', () => {
    expect(
      interfaces('{match: eth0, addresses: [10.0.0.2/24, "2001:db8::5/64"], gateway: "2001:db8::1"}').ok,
    ).toBe(true);
    expect(interfaces('{match: eth0, addresses: ["2001:db8::5/64"], gateway: "fe80::1"}').ok).toBe(true);
  });
});

describe('the version of a file', () => {
  const renamed = {
    kind: 'older',
    renamed: { 'central.url': 'coordinator.url', poll: 'coordinator.poll_interval_s' },
  } as const;

  it('of the version before is read by its old names', () => {
    const { ok, config } = parseConfigText('config_version: 1\npoll: 30\n', 'c.yaml', () => renamed);
    expect(ok).toBe(true);
    expect(config.coordinator.poll_interval_s).toBe(30);
  });

  it('decides: the same name in a file of this version is unknown', () => {
    expect(parseConfigText('config_version: 1\npoll: 30\n', 'c.yaml').ok).toBe(false);
  });

  it('of a later program is read as far as it is known, because after a rollback the box must keep its address', () => {
    const text = [
      'config_version: 2',
      'later_key: 1',
      'time: {zone: {name: Mars}}',
      'network:',
      '  interfaces: [{match: eth0, addresses: [10.0.0.2/24]}]',
    ].join('\n');
    const { ok, config, problems } = parseConfigText(text, 'c.yaml');
    expect(ok).toBe(true);
    expect(config.network.interfaces).toHaveLength(1);
    expect(config.time.zone).toBe('UTC');
    expect(problems.map(({ severity, key }) => [severity, key])).toEqual([
      ['warning', 'config_version'],
      ['warning', 'later_key'],
      ['warning', 'time.zone'],
    ]);
  });

  it('accepts the version before and no older one', () => {
    const migrations = [1, 2].map((from) => ({ from, renamed: { a: 'b' } }));
    const kinds = [1, 2, 3, 4].map((version) => readingOf(version, 3, migrations).kind);
    expect(kinds).toEqual(['too-old', 'older', 'current', 'newer']);
  });

  it('that makes no sense is refused', () => {
    for (const version of ['0', '-1', 'one', '1.5', '[]']) {
      expect(parseConfigText(`config_version: ${version}\n`, 'c.yaml').ok, version).toBe(false);
    }
  });
});

/** Texts made of what configurations are made of, in wrong orders. */
function yamlLike() {
  const words = [
    'site_id',
    'network',
    'wifi',
    'interfaces',
    'ssh',
    'authorized_keys',
    ': ',
    ':',
    '\n',
    '\n  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '!!map',
    '"',
    "'",
    '# ',
    'null',
    '1',
    '<<',
    '? ',
    '|',
    '>',
    '\t',
    '---',
  ];
  return fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(''));
}
