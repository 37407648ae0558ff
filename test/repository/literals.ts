/** Reads texts out of code without running it: enough of the syntax for the arguments of one call. */

const OPEN = '([{';
const CLOSE = ')]}';

/**
 * The arguments that follow a position inside a call, up to its closing bracket.
 *
 * @param from behind an argument: at the comma, or at the bracket when there are no more
 */
export function callArguments(code: string, from: number): string[] {
  if (!/^\s*,/.test(code.slice(from, from + 200))) return [];
  const found: string[] = [];
  let depth = 0;
  let start = code.indexOf(',', from) + 1;
  for (let at = start; at < code.length; at += 1) {
    const character = code[at] ?? '';
    if (`'"\``.includes(character)) at = endOfLiteral(code, at) - 1;
    else if (OPEN.includes(character)) depth += 1;
    else if (CLOSE.includes(character)) depth -= 1;
    if (depth < 0 || (depth === 0 && character === ',')) {
      found.push(code.slice(start, at).trim());
      start = at + 1;
    }
    if (depth < 0) break;
  }
  return found.filter((argument) => argument !== '');
}

/** The words of an expression: literals joined, alternatives of a condition apart, `…` for what is filled in. */
export function textOf(expression: string): string {
  const texts: string[] = [];
  for (let at = 0; at < expression.length; at += 1) {
    const quote = expression[at] ?? '';
    if (!`'"\``.includes(quote)) continue;
    const end = endOfLiteral(expression, at);
    texts.push(quote === '`' ? fillIn(expression.slice(at + 1, end - 1)) : expression.slice(at + 1, end - 1));
    at = end - 1;
  }
  const between = /[^?]\?[^?.:]/.test(expression.replace(/'[^']*'|"[^"]*"|`[^`]*`/g, '')) ? ' / ' : '';
  return texts
    .join(between)
    .replace(/\\(['"`\\])/g, '$1')
    .replace(/\s*\\n\s*/g, ' ')
    .trim();
}

/** The words of `hint: …` in an options object. */
export function hintOf(options: string): string {
  const at = /\bhint:\s*/.exec(options);
  if (!at) return '';
  const [hint = ''] = callArguments(`,${options.slice(at.index + at[0].length)}`, 0);
  return textOf(hint);
}

/** Position behind the closing quote; templates may hold templates. */
function endOfLiteral(code: string, start: number): number {
  const quote = code[start] ?? '';
  for (let at = start + 1; at < code.length; at += 1) {
    if (code[at] === '\\') at += 1;
    else if (code[at] === quote) return at + 1;
    else if (quote === '`' && code.startsWith('${', at)) at = endOfHole(code, at) - 1;
  }
  return code.length;
}

/** Position behind the `}` of a `${`. */
function endOfHole(code: string, start: number): number {
  let depth = 0;
  for (let at = start + 1; at < code.length; at += 1) {
    const character = code[at] ?? '';
    if (`'"\``.includes(character)) at = endOfLiteral(code, at) - 1;
    else if (character === '{') depth += 1;
    else if (character === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return code.length;
}

function fillIn(template: string): string {
  let text = '';
  for (let at = 0; at < template.length; at += 1) {
    if (template.startsWith('${', at)) {
      at = endOfHole(template, at) - 1;
      text += '…';
    } else text += template[at];
  }
  return text;
}
