import { expect, test } from 'vitest';
import { formatHistory, formatVerdict } from './history.ts';
import { result, verdictOf } from './lab/machine.ts';

test('a verdict reads like this', () => {
  const checks = [result('memory', 'pass'), result('clock', 'fail'), result('address', 'fail', false)];
  const verdict = {
    ...verdictOf(1),
    outcome: 'unhealthy' as const,
    action: 'reboot' as const,
    reason: 'a decisive check failed: clock (clock says so)',
    checks: [...checks, result('coordinator', 'skipped', false)],
  };
  expect(formatVerdict(verdict)).toBe(
    [
      'unhealthy, reboots for the next attempt: a decisive check failed: clock (clock says so)',
      'slot A, version 1.2.3, attempt 1, 2026-06-01T12:00:00.000Z',
      '  ok    memory       memory says so',
      '  FAIL  clock        clock says so',
      '  warn  address      address says so',
      '  skip  coordinator  coordinator says so',
    ].join('\n'),
  );
});

test('the history reads like this', () => {
  const unknown = { ...verdictOf(2), slot: null, attempt: null };
  expect(formatHistory([unknown, verdictOf(1)], 1)).toBe(
    [
      'AT                        SLOT  VERSION  ATTEMPT  OUTCOME  ACTION  REASON',
      '2026-06-01T12:00:00.000Z  ?     1.2.3    ?        healthy  commit  all decisive checks passed',
      '2026-06-01T12:00:00.000Z  A     1.2.3    1        healthy  commit  all decisive checks passed',
      '1 damaged lines were skipped (torn by a power cut)',
    ].join('\n'),
  );
  expect(formatHistory([], 0)).toMatch(/no verdict has been recorded$/);
});
