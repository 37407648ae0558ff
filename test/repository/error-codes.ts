import { callArguments, hintOf, textOf } from './literals.ts';
import { withoutComments } from './tree.ts';

/** Finds the error codes in the code, with the words that go with them. */

/** A code: upper snake case with at least one underscore, as base/errors.ts asks for. */
const CODE_LITERAL = /'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g;
/** A code where it is made. */
const CREATED = /\bnew\s+\w*(?:Error|Failure)\(\s*'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g;
/** Written like a code of ours, but compared with, not reported. */
const NOT_CODES = ['INSTALL_CONFIG'];

export interface ErrorUse {
  code: string;
  file: string;
  /** The message with `…` for what is filled in; empty when it is made elsewhere. */
  message: string;
  hint: string;
}

/**
 * Every place that names a code. Where codes are handed to a function instead of the constructor, they are known by their
 * prefix: one that some constructor uses.
 *
 * @param files path to content, tests left out
 */
export function findErrorUses(files: ReadonlyMap<string, string>): ErrorUse[] {
  const texts = [...files].map(([file, code]) => ({ file, text: withoutComments(code) }));
  const created = texts.flatMap(({ text }) => [...text.matchAll(CREATED)].flatMap((match) => match[1] ?? []));
  const prefixes = new Set(created.map(prefixOf));
  return texts.flatMap(({ file, text }) =>
    [...text.matchAll(CODE_LITERAL)].flatMap((match) => {
      const [literal, code = ''] = match;
      if (!prefixes.has(prefixOf(code)) || NOT_CODES.includes(code)) return [];
      const rest = callArguments(text, match.index + literal.length);
      return { code, file, message: textOf(rest[0] ?? ''), hint: hintOf(rest[1] ?? '') };
    }),
  );
}

function prefixOf(code: string): string {
  return code.slice(0, code.indexOf('_'));
}
