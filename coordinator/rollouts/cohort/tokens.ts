import { BulkheadError } from '../../../base/errors.ts';
import { QUERY_MAX_CHARS } from '../limits.ts';

/** One word of a query and where it stands: `at` counts characters from 0. */
export interface Token {
  kind: 'word' | 'text' | 'number' | 'sign' | 'end';
  text: string;
  at: number;
}

/**
 * A dot is part of a word, so that `tag.site` is one; `fact."odd name"` is a word that ends in a dot and a text. A number is followed by
 * no letter: `4x` is a word, and a wrong one.
 */
const TOKEN =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]))|(?<word>[A-Za-z0-9_][\w.:/-]*)|(?<sign>[()[\],]))/y;

/**
 * @throws BulkheadError COHORT_QUERY_INVALID
 */
export function tokenize(query: string): Token[] {
  if (query.length > QUERY_MAX_CHARS) {
    throw queryError(query, QUERY_MAX_CHARS, `the query has more than ${QUERY_MAX_CHARS} characters`);
  }
  const tokens: Token[] = [];
  const end = query.trimEnd().length;
  let at = 0;
  while (at < end) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(query);
    if (!found?.groups) {
      const wrong = at + (/\S/.exec(query.slice(at))?.index ?? 0);
      const character = query[wrong] ?? '';
      throw queryError(
        query,
        wrong,
        character === '"' ? 'a text in quotes has no end' : `'${character}' has no meaning here`,
      );
    }
    const [kind, text] = Object.entries(found.groups).find(([, part]) => part !== undefined) ?? [];
    if (kind === undefined || text === undefined) break;
    tokens.push({ kind: kind as Token['kind'], text, at: TOKEN.lastIndex - text.length });
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: 'end', text: '', at: end }];
}

/** Names the place for people (counted from 1) and shows it. */
export function queryError(query: string, at: number, what: string, hint?: string): BulkheadError {
  const from = Math.max(0, at - 30);
  const shown = `${query.slice(from, at)}⟨here⟩${query.slice(at, at + 30)}`;
  return new BulkheadError('COHORT_QUERY_INVALID', `character ${at + 1}: ${what}: ${shown}`, {
    hint: hint ?? 'docs/operate/rollouts.md has the language and examples',
  });
}
