import { Value } from '@sinclair/typebox/value';
import { Verdict } from '../../health-gate/verdict-schema.ts';
import type { Status } from '../../status-page/status.ts';
import { fileVersion, readJson, readTailLines } from './fact-files.ts';
import { JOURNAL_TAIL_BYTES, VERDICTS_SHOWN } from './limits.ts';

export type HealthStatus = Status['health'];

/**
 * The health of this boot and the latest verdicts, latest first. `pending` until the gate has judged this boot: a verdict
 * of another boot, wherever it lies, is history and not health.
 */
export function describeHealth(
  bootId: string,
  current: Verdict | null,
  journal: readonly Verdict[],
): HealthStatus {
  const verdicts = journal.slice(-VERDICTS_SHOWN).reverse();
  const own = current?.bootId === bootId ? current : null;
  // Without a data partition there is no journal, but there is a verdict.
  if (own && !verdicts.some(({ id }) => id === own.id)) verdicts.unshift(own);
  return { outcome: own?.outcome ?? 'pending', verdicts: verdicts.slice(0, VERDICTS_SHOWN) };
}

/** The verdict in a file such as HEALTH_FILE; null when there is none. */
export function readVerdict(path: string): Verdict | null {
  const parsed = readJson(path);
  return Value.Check(Verdict, parsed) ? parsed : null;
}

/** Reads the end of the journal, and only when it has changed: it changes once a boot and is asked for every 2 s. */
export class JournalTail {
  #verdicts: Verdict[] = [];
  #seen = '';
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The last verdicts, oldest first; lines that a power cut tore are left out. Empty without a journal. */
  read(): readonly Verdict[] {
    const seen = fileVersion(this.#path).text;
    if (seen !== this.#seen) {
      this.#verdicts = readTailLines(this.#path, JOURNAL_TAIL_BYTES)
        .flatMap(parseVerdict)
        .slice(-VERDICTS_SHOWN);
      this.#seen = seen;
    }
    return this.#verdicts;
  }
}

function parseVerdict(line: string): Verdict[] {
  try {
    const parsed: unknown = JSON.parse(line);
    return Value.Check(Verdict, parsed) ? [parsed] : [];
  } catch {
    return [];
  }
}
