import { QUERY_DEPTH_MAX } from '../limits.ts';
import { isVersion } from '../version.ts';
import {
  COMPARISONS,
  type Comparison,
  type Field,
  MEMBERSHIPS,
  type Membership,
  type Query,
  type QueryValue,
} from './query.ts';
import { queryError, type Token, tokenize } from './tokens.ts';

/**
 * Reads a query. An empty one is refused: everything has to be asked for with `all`.
 *
 * @throws BulkheadError COHORT_QUERY_INVALID with the place of the fault
 */
export function parseQuery(text: string): Query {
  return new QueryParser(text).parse();
}

class QueryParser {
  readonly #query: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(query: string) {
    this.#query = query;
    this.#tokens = tokenize(query);
  }

  parse(): Query {
    if (this.#peek().kind === 'end') throw this.#fault('the query is empty', 'write all for every appliance');
    if (this.#takeWord('all')) {
      if (this.#peek().kind !== 'end') throw this.#fault(`'all' stands alone`);
      return { kind: 'all' };
    }
    const query = this.#list('or', 0);
    if (this.#peek().kind !== 'end') throw this.#fault(`expected 'and', 'or' or the end`);
    return query;
  }

  #list(kind: 'and' | 'or', depth: number): Query {
    const parts: Query[] = [];
    do parts.push(kind === 'or' ? this.#list('and', depth) : this.#unary(depth));
    while (this.#takeWord(kind));
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { kind, parts };
  }

  #unary(depth: number): Query {
    if (depth > QUERY_DEPTH_MAX) throw this.#fault(`nested more than ${QUERY_DEPTH_MAX} deep`);
    if (this.#takeWord('not')) return { kind: 'not', part: this.#unary(depth + 1) };
    if (!this.#takeSign('(')) return this.#comparison();
    const inner = this.#list('or', depth + 1);
    if (!this.#takeSign(')')) throw this.#fault(`expected 'and', 'or' or ')'`);
    return inner;
  }

  #comparison(): Query {
    const field = this.#field();
    if (this.#takeWord('exists')) return { kind: 'exists', field };
    const operator = this.#peek();
    if (isOneOf(COMPARISONS, operator.text)) {
      this.#next += 1;
      return { kind: 'compare', field, operator: operator.text, value: this.#value(field, operator.text) };
    }
    if (isOneOf(MEMBERSHIPS, operator.text)) {
      this.#next += 1;
      return { kind: 'among', field, operator: operator.text, values: this.#values(field, operator.text) };
    }
    throw this.#fault(`expected one of ${[...COMPARISONS, ...MEMBERSHIPS, 'exists'].join(', ')}`);
  }

  #field(): Field {
    const token = this.#peek();
    const [, of, name] = /^(tag|fact)\.(.*)$/.exec(token.kind === 'word' ? token.text : '') ?? [];
    if ((of === 'tag' || of === 'fact') && name !== undefined) {
      this.#next += 1;
      const quoted = this.#peek();
      if (name !== '' || quoted.kind !== 'text') {
        if (name === '') throw this.#fault(`expected a name behind '${of}.'`);
        return { of, name };
      }
      return { of, name: this.#text() };
    }
    if (token.kind === 'word' && isOneOf(['id', 'version', 'hardware'] as const, token.text)) {
      this.#next += 1;
      return { of: token.text };
    }
    throw this.#fault(
      'expected a field: id, version, hardware, tag.NAME or fact.NAME',
      'a tag is tag.site, a fact is fact.memory_gib; texts stand behind the operator, in double quotes',
    );
  }

  #values(field: Field, operator: Membership): QueryValue[] {
    if (!this.#takeSign('[')) throw this.#fault(`expected '[' and a list of values`);
    const values: QueryValue[] = [];
    do values.push(this.#value(field, operator));
    while (this.#takeSign(','));
    if (!this.#takeSign(']')) throw this.#fault(`expected ',' or ']'`);
    return values;
  }

  #value(field: Field, operator: Comparison | Membership): QueryValue {
    const token = this.#peek();
    const value = this.#literal();
    const problem = valueFault(field, operator, value);
    if (problem !== undefined) throw queryError(this.#query, token.at, problem);
    return value;
  }

  #literal(): QueryValue {
    const token = this.#peek();
    if (token.kind === 'text') return this.#text();
    if (token.kind === 'number') {
      this.#next += 1;
      return Number(token.text);
    }
    if (this.#takeWord('true')) return true;
    if (this.#takeWord('false')) return false;
    throw this.#fault('expected a value: a text in double quotes, a number, true or false');
  }

  #text(): string {
    const token = this.#peek();
    try {
      const text: unknown = JSON.parse(token.text);
      this.#next += 1;
      return String(text);
    } catch {
      throw this.#fault('the text in quotes is not written as in JSON', 'write a \\ as \\\\');
    }
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: this.#query.length };
  }

  #takeWord(word: string): boolean {
    return this.#take('word', word);
  }

  #takeSign(sign: string): boolean {
    return this.#take('sign', sign);
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #fault(what: string, hint?: string): Error {
    return queryError(this.#query, this.#peek().at, what, hint);
  }
}

/** A comparison that could never hold is a mistake of the writer, and is told while the writer is still there. */
function valueFault(field: Field, operator: Comparison | Membership, value: QueryValue): string | undefined {
  if (field.of === 'version') {
    if (operator === 'contains') return `a version is compared with eq, ne, in, not_in, gt and lt`;
    return isVersion(value) ? undefined : `expected a version in quotes such as "1.2.0"`;
  }
  if (operator === 'gt' || operator === 'lt') {
    if (field.of !== 'fact') return `${operator} compares versions and facts that are numbers`;
    return typeof value === 'number' ? undefined : `${operator} wants a number`;
  }
  if (field.of !== 'fact' && typeof value !== 'string') {
    return `${field.of === 'tag' ? 'tags are texts' : `${field.of} is a text`}: write "${value}"`;
  }
  return undefined;
}

function isOneOf<T extends string>(names: readonly T[], text: string): text is T {
  return (names as readonly string[]).includes(text);
}
