import type { Ecosystem } from './bill.ts';
import type { Severity } from './report.ts';

/** From `introduced` on, before `fixed`. */
export interface Range {
  /** Null: from the first version on. */
  introduced: string | null;
  /** Null: no version is without it. */
  fixed: string | null;
}

/** What a feed says of one package. */
export interface Advisory {
  id: string;
  ecosystem: Ecosystem;
  name: string;
  /** Code name of the suite of Debian that it is about; null: of all. */
  suite: string | null;
  ranges: Range[];
  /** Versions that are named one by one. */
  versions: readonly string[];
  severity: Severity;
}

/** The word of Debian's security team: `low**` and the like, where the asterisks say who has set it. */
export function debianSeverity(urgency: string | undefined): Severity {
  const word = (urgency ?? '').replaceAll('*', '').trim();
  if (word === 'high' || word === 'medium' || word === 'low') return word;
  return word === 'unimportant' ? 'negligible' : 'unknown';
}
