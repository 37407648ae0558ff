import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QUERY_DEPTH_MAX, QUERY_MAX_CHARS } from '../limits.ts';
import type { Version } from '../version.ts';
import { matchesQuery } from './match-query.ts';
import { parseQuery } from './parse-query.ts';
import { type Field, formatQuery, type Query, type QueryValue, type Subject } from './query.ts';

const BOX: Subject = {
  id: 'box-1',
  version: '1.2.0' as Version,
  hardware: 'hp-t640',
  tags: { site: 'berlin', ring: 'canary', label: '' },
  facts: { memory_gib: 8, tpm_present: true, interfaces: ['enp1s0', 'wlan0'], cpu: 'Ryzen R1505G' },
};

test.each([
  ['all', true],
  ['tag.site eq "berlin"', true],
  ['tag.site ne "berlin"', false],
  ['tag.site in ["berlin", "ulm"]', true],
  ['tag.site not_in ["berlin", "ulm"]', false],
  ['tag.site contains "erl"', true],
  ['tag.label exists', true],
  ['tag.absent exists', false],
  ['fact.memory_gib gt 4', true],
  ['fact.memory_gib lt 8', false],
  ['fact.memory_gib eq 8', true],
  ['fact.tpm_present eq true', true],
  ['fact.interfaces contains "wlan0"', true],
  ['fact.interfaces contains "wlan"', false],
  ['fact."memory_gib" gt 7.5', true],
  ['version lt "1.10.0"', true],
  ['version gt "1.2.0-rc.1"', true],
  ['version in ["1.2.0", "1.3.0"]', true],
  ['hardware eq "hp-t640" and not tag.ring eq "canary"', false],
  ['tag.site eq "ulm" or tag.ring eq "canary" and hardware eq "hp-t640"', true],
  ['(tag.site eq "ulm" or tag.ring eq "canary") and hardware eq "hp-t740"', false],
  ['id eq "box-1"', true],
])('%s is %s for the example', (text, expected) => {
  expect(matchesQuery(parseQuery(text), BOX)).toBe(expected);
});

describe('what an appliance does not have', () => {
  test.each([
    ['tag.absent eq "x"', false],
    ['tag.absent ne "x"', true],
    ['tag.absent in ["x"]', false],
    ['tag.absent not_in ["x"]', true],
    ['tag.absent contains ""', false],
    ['fact.absent gt 0', false],
    ['fact.absent lt 0', false],
    ['fact.constructor exists', false],
    ['fact.cpu gt 0', false],
  ])('%s is %s', (text, expected) => {
    expect(matchesQuery(parseQuery(text), BOX)).toBe(expected);
  });

  test('an appliance of unknown version is neither older nor newer', () => {
    const unknown = { ...BOX, version: null };
    expect(matchesQuery(parseQuery('version lt "9.0.0"'), unknown)).toBe(false);
    expect(matchesQuery(parseQuery('version gt "0.0.1"'), unknown)).toBe(false);
    expect(matchesQuery(parseQuery('version exists'), unknown)).toBe(false);
  });
});

describe('a wrong query is refused at its place', () => {
  test.each([
    ['', 1, 'the query is empty'],
    ['   ', 1, 'the query is empty'],
    ['tag.site', 9, 'expected one of eq, ne, contains, gt, lt, in, not_in, exists'],
    ['tag.site eq berlin', 13, 'expected a value'],
    ['tag.site eq "berlin', 13, 'has no end'],
    ['tag.site = "berlin"', 10, `'=' has no meaning here`],
    ['tag.site eq 4', 13, 'tags are texts: write "4"'],
    ['tag. eq "x"', 6, `expected a name behind 'tag.'`],
    ['site eq "berlin"', 1, 'expected a field'],
    ['tag.site eq "a" tag.ring eq "b"', 17, `expected 'and', 'or' or the end`],
    ['(tag.site eq "a"', 17, `expected 'and', 'or' or ')'`],
    ['tag.site in "a"', 13, `expected '['`],
    ['tag.site in []', 14, 'expected a value'],
    ['tag.site in ["a" "b"]', 18, `expected ',' or ']'`],
    ['version lt "1.2"', 12, 'expected a version in quotes'],
    ['version contains "1.2.0"', 18, 'a version is compared with'],
    ['tag.site gt "a"', 13, 'gt compares versions and facts that are numbers'],
    ['fact.memory gt "8"', 16, 'gt wants a number'],
    ['all and tag.site exists', 5, `'all' stands alone`],
    ['tag.site eq "\\x"', 13, 'not written as in JSON'],
    [`${'('.repeat(QUERY_DEPTH_MAX + 2)}id exists`, QUERY_DEPTH_MAX + 2, 'nested more than'],
    ['not '.repeat(QUERY_DEPTH_MAX + 2), 133, 'nested more than'],
    ['a'.repeat(QUERY_MAX_CHARS + 1), QUERY_MAX_CHARS + 1, 'more than 4096 characters'],
  ])('%s', (text, place, message) => {
    const attempt = () => parseQuery(text);
    expect(attempt).toThrow(expect.objectContaining({ code: 'COHORT_QUERY_INVALID' }));
    expect(attempt).toThrow(`character ${place}: `);
    expect(attempt).toThrow(message);
  });
});

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/),
  fc.string({ minLength: 1, maxLength: 6 }),
);
const tag: fc.Arbitrary<Field> = name.map((text) => ({ of: 'tag', name: text }));
const fact: fc.Arbitrary<Field> = name.map((text) => ({ of: 'fact', name: text }));
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const anyValue: fc.Arbitrary<QueryValue> = fc.oneof(fc.string({ maxLength: 6 }), number, fc.boolean());

const { query } = fc.letrec<{ query: Query }>((tie) => {
  const parts = fc.array(tie('query'), { minLength: 2, maxLength: 3 });
  return {
    query: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({ kind: fc.constant('exists' as const), field: fc.oneof(tag, fact) }),
      fc.record({
        kind: fc.constant('compare' as const),
        field: tag,
        operator: fc.constantFrom('eq', 'ne', 'contains'),
        value: fc.string({ maxLength: 4 }),
      }),
      fc.record({
        kind: fc.constant('compare' as const),
        field: fact,
        operator: fc.constantFrom('gt', 'lt'),
        value: number,
      }),
      fc.record({
        kind: fc.constant('among' as const),
        field: fact,
        operator: fc.constantFrom('in', 'not_in'),
        values: fc.array(anyValue, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), part: tie('query') }),
      fc.record({ kind: fc.constantFrom('and', 'or'), parts }),
    ),
  };
});

const subject: fc.Arbitrary<Subject> = fc.record({
  id: fc.constant('x'),
  version: fc.constant(null),
  hardware: fc.constant(null),
  tags: fc.dictionary(name, fc.string({ maxLength: 4 }), { maxKeys: 4 }),
  facts: fc.dictionary(name, fc.oneof(anyValue, fc.array(anyValue, { maxLength: 3 })), { maxKeys: 4 }),
});

test('a query that is written out reads as the same query', () => {
  fc.assert(
    fc.property(query, (tree) => {
      expect(parseQuery(formatQuery(tree))).toEqual(tree);
    }),
  );
});

test('ne and not_in are the opposites of eq and in, for every appliance', () => {
  fc.assert(
    fc.property(fact, anyValue, subject, (field, value, box) => {
      const compare = (operator: 'eq' | 'ne'): Query => ({ kind: 'compare', field, operator, value });
      const among = (operator: 'in' | 'not_in'): Query => ({
        kind: 'among',
        field,
        operator,
        values: [value],
      });
      expect(matchesQuery(compare('ne'), box)).toBe(!matchesQuery(compare('eq'), box));
      expect(matchesQuery(among('not_in'), box)).toBe(!matchesQuery(among('in'), box));
      expect(matchesQuery(among('in'), box)).toBe(matchesQuery(compare('eq'), box));
    }),
  );
});

test('not, and, or are those of logic', () => {
  fc.assert(
    fc.property(query, query, subject, (a, b, box) => {
      const holds = (tree: Query) => matchesQuery(tree, box);
      expect(holds({ kind: 'not', part: a })).toBe(!holds(a));
      expect(holds({ kind: 'and', parts: [a, b] })).toBe(holds(a) && holds(b));
      expect(holds({ kind: 'or', parts: [a, b] })).toBe(holds(a) || holds(b));
    }),
  );
});

test('any text is read or refused with the code, never anything else', () => {
  const words = fc.constantFrom(
    'and',
    'or',
    'not',
    'all',
    '(',
    ')',
    '[',
    ']',
    ',',
    'eq',
    'in',
    'tag.a',
    'fact."b',
    '"c"',
    '4',
    '-',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((list) => list.join(' ')),
      ),
      (text) => {
        try {
          formatQuery(parseQuery(text));
        } catch (error) {
          expect(error).toMatchObject({ code: 'COHORT_QUERY_INVALID' });
        }
      },
    ),
  );
});
