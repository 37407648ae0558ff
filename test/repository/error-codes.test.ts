import { expect, test } from 'vitest';
import { findErrorUses } from './error-codes.ts';
import { renderErrorsPage } from './error-page.ts';

const CODE = `
// new BulkheadError('COMMENT_ONLY', 'no')
throw new BulkheadError('PART_BROKEN', \`cannot read \${path(\`a\${b}\`)}, \` + 'sorry', { cause, hint: "look, don't guess" });
throw refusal(result, 'PART_REFUSED', what);
const other = 'NOT_OURS';
throw new BulkheadError(
  'PART_EITHER',
  many ? 'there are many' : 'there is one',
);
`;

test('codes are found with message and hint, also where a function makes the error', () => {
  const uses = findErrorUses(new Map([['base/x.ts', CODE]]));
  expect(uses).toEqual([
    { code: 'PART_BROKEN', file: 'base/x.ts', message: 'cannot read …, sorry', hint: "look, don't guess" },
    { code: 'PART_REFUSED', file: 'base/x.ts', message: '', hint: '' },
    { code: 'PART_EITHER', file: 'base/x.ts', message: 'there are many / there is one', hint: '' },
  ]);
});

test('the page has one row per code, in the part that makes it, with every wording', () => {
  const use = { code: 'A_B', file: 'base/x.ts', message: 'one', hint: '' };
  const page = renderErrorsPage([
    { ...use, file: 'appliance/y.ts', message: '' },
    use,
    { ...use, message: 'a | b', hint: 'help' },
  ]);
  expect(page).toContain('| `A_B` | one<br>a \\| b | help |');
  expect(page.match(/`A_B`/g)).toHaveLength(1);
  expect(page).toContain('## Programs, files and signatures');
  expect(page).not.toContain('## The program on the appliance');
});
