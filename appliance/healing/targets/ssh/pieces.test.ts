import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run } from '../../../../base/run.ts';
import { detectionOf, namesOf, plainText } from '../outcome.ts';
import { ANSWER_BEGIN, ANSWER_END, readAnswer } from './answer.ts';
import { fingerprintOf, hostKeyPin } from './host-key.ts';
import { LINUX_CHECK_DEFINITIONS } from './linux-checks.ts';
import { checkScript } from './linux-script.ts';
import { shellQuote } from './quote.ts';

const answer = (...lines: string[]) => readAnswer([ANSWER_BEGIN, ...lines, ANSWER_END, ''].join('\n'), 'x');

describe('a word in a script', () => {
  it('reaches a program as it is, whatever stands in it', async () => {
    const words = fc.sample(fc.string({ unit: 'grapheme', minLength: 0, maxLength: 30 }), 60);
    const nasty = ["'; id; '", '$(id)', '`id`', '\\', "'", '"', '*', '~', '!!', '-n', '%s', ' a  b '];
    const safe = [...nasty, ...words].filter((word) => !/\p{C}/u.test(word));
    expect(safe.length).toBeGreaterThan(nasty.length);
    const { stdout } = await run('sh', ['-c', `printf '%s\\n' ${safe.map(shellQuote).join(' ')}`]);
    expect(stdout.split('\n').slice(0, -1)).toEqual(safe);
  });

  it.each(['a\nb', 'a\u0000b', '\u001b[2J', 'a\rb', '\u202e'])(
    'is refused with control characters: %j',
    (word) => {
      expect(() => shellQuote(word)).toThrow(expect.objectContaining({ code: 'TARGET_VALUE_UNSAFE' }));
    },
  );
});

describe('an answer', () => {
  it('is read between its marks, whatever a log-in shell printed before', () => {
    const text = `Welcome!\npassed=yes\n${ANSWER_BEGIN}\na=1\na=2\nb=\n${ANSWER_END}\n`;
    const read = readAnswer(text, 'x');
    expect([read.all('a'), read.one('b', /^$/), read.all('passed')]).toEqual([['1', '2'], '', []]);
  });

  it.each([
    ['nothing', ''],
    ['no end', `${ANSWER_BEGIN}\na=1\n`],
    ['no beginning', `a=1\n${ANSWER_END}\n`],
    ['an end before the beginning', `${ANSWER_END}\n${ANSWER_BEGIN}\n`],
    ['something behind its end', `${ANSWER_BEGIN}\n${ANSWER_END}\nmore\n`],
    ['a line of something else', `${ANSWER_BEGIN}\nhello\n${ANSWER_END}\n`],
    ['a control character', `${ANSWER_BEGIN}\na=\u001b[2J\n${ANSWER_END}\n`],
    ['a name of its own', `${ANSWER_BEGIN}\n__proto__=1\n${ANSWER_END}\n`],
    ['too many lines', `${ANSWER_BEGIN}\n${'a=1\n'.repeat(300)}${ANSWER_END}\n`],
  ])('with %s is refused', (_, text) => {
    expect(() => readAnswer(text, 'x')).toThrow(expect.objectContaining({ code: 'TARGET_ANSWER_INVALID' }));
  });

  it('says a thing once and in its form, or not at all', () => {
    expect(answer('now=12').number('now')).toBe(12);
    for (const lines of [[], ['now=1', 'now=2'], ['now=-1'], ['now=1e9'], ['now=']])
      expect(() => answer(...lines).number('now')).toThrow(/does not say 'now'/);
  });
});

describe('a check of Linux', () => {
  const read = (check: keyof typeof LINUX_CHECK_DEFINITIONS, ...lines: string[]) =>
    LINUX_CHECK_DEFINITIONS[check].read(answer(...lines), 1_000_000);

  it('of the firewall passes for any tool that closes the way in, and knows nothing without one that answers', () => {
    for (const line of ['nft=1', 'iptables=DROP', 'firewalld=running', 'ufw=active'])
      expect(
        read('firewall', 'nft=0', line === 'nft=1' ? 'ufw=inactive' : 'x=1', line, 'looked=yes').passed,
        line,
      ).toBe(true);
    expect(read('firewall', 'nft=0', 'iptables=ACCEPT', 'ufw=inactive', 'looked=yes').passed).toBe(false);
    expect(() => read('firewall', 'looked=yes')).toThrow(
      expect.objectContaining({ code: 'TARGET_CHECK_UNANSWERED' }),
    );
  });

  it('of the disk names the fullest, and those above the line', () => {
    expect(read('disk', 'fs=90 /', 'fs=12 /home')).toMatchObject({ passed: true, actual: 'fullest: / 90%' });
    expect(read('disk', 'fs=91 /', 'fs=99 /var log')).toMatchObject({
      passed: false,
      severity: 'high',
      actual: '/ 91%, /var log 99%',
    });
    expect(() => read('disk')).toThrow(expect.objectContaining({ code: 'TARGET_CHECK_UNANSWERED' }));
    expect(() => read('disk', 'fs=- /proc')).toThrow(
      expect.objectContaining({ code: 'TARGET_CHECK_UNANSWERED' }),
    );
  });

  it('of the time holds the clock to ours, and a time server to its word', () => {
    const time = (now: number, kept?: string) =>
      read('time', `now=${now}`, ...(kept === undefined ? [] : [`synchronized=${kept}`])).passed;
    expect([time(1_000_030), time(999_970, 'yes'), time(1_000_031), time(999_969)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(time(1_000_000, 'no')).toBe(false);
  });

  it('of the users finds a second root and empty passwords', () => {
    expect(read('users', 'uid0=root', 'shadow=read').passed).toBe(true);
    expect(read('users', 'uid0=root', 'uid0=toor', 'empty=guest', 'shadow=read')).toMatchObject({
      passed: false,
      severity: 'critical',
      actual: "root's rights: toor; empty password: guest",
    });
    expect(() => read('users', 'uid0=root')).toThrow(
      expect.objectContaining({ code: 'TARGET_CHECK_UNANSWERED' }),
    );
  });

  it('has a script that every POSIX shell can read', async () => {
    for (const [check, { script }] of Object.entries(LINUX_CHECK_DEFINITIONS)) {
      const { code, stderr } = await run('dash', ['-n'], { input: checkScript(script) });
      expect(`${check} ${code} ${stderr}`).toBe(`${check} 0 `);
    }
  });
});

describe('what is kept of another machine', () => {
  it('is one line of bounded length', () => {
    expect(plainText(`a\u001b[2J\nb${'x'.repeat(1000)}`)).toHaveLength(300);
    expect(plainText('a\u0000\u202e\nb')).toBe('a b');
    expect(namesOf(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
    const outcome = {
      passed: false,
      expected: 'e',
      actual: 'x\ny',
      severity: 'low',
      metadata: { m: 'a\tb' },
    } as const;
    const detection = detectionOf({ name: 'n', address: 'h' }, 'disk', outcome, () => new Date(5_999));
    expect(detection).toMatchObject({ subject: 't-n', actual: 'x y', at_s: 5, metadata: { m: 'a b' } });
  });

  it('is believed to be the machine only with its key', () => {
    const blob = Buffer.from(
      'AAAAC3NzaC1lZDI1NTE5AAAAIJCX430SnIlJSrFPlTeIz/pLdecWAi0nUZ8wFHR+lvML',
      'base64',
    );
    const line = `ssh-ed25519 ${blob.toString('base64')} comment`;
    const other = Buffer.from(blob);
    other[40] = (other[40] ?? 0) ^ 1;
    for (const pin of [
      hostKeyPin(line),
      hostKeyPin(fingerprintOf(blob)),
      hostKeyPin(`${fingerprintOf(blob)}=`),
    ]) {
      expect([pin.matches(blob), pin.matches(other), pin.matches(blob.subarray(1))]).toEqual([
        true,
        false,
        false,
      ]);
    }
    expect(hostKeyPin(line).algorithms).toEqual(['ssh-ed25519']);
  });
});
