import { Value } from '@sinclair/typebox/value';
import type { UpdateSection } from '../../status-page/update-section.ts';
import { PastUpdate } from '../../updater/state/records.ts';
import { fileVersion, readLinesFrom } from './fact-files.ts';
import { instantOrNull } from './instant.ts';
import { JOURNAL_LINE_MAX_BYTES, UPDATES_SHOWN } from './limits.ts';

export interface HistoryReading {
  /** Latest first, UPDATES_SHOWN at most. */
  latest: readonly PastUpdate[];
  /** Of everything in the file. */
  ended: UpdateSection['ended'];
}

const NOTHING: HistoryReading = {
  latest: [],
  ended: {
    succeeded: { count: 0, lastAt: null },
    rolled_back: { count: 0, lastAt: null },
    failed: { count: 0, lastAt: null },
    cancelled: { count: 0, lastAt: null },
  },
};

/**
 * The updates that ended. Every line is read once: all of them when it is first asked, then only what was added.
 * Asking while nothing was added costs one stat(2).
 */
export class UpdateHistory {
  #reading = NOTHING;
  #read_bytes = 0;
  #seen = fileVersion('');
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines that are torn, or hold something else, are left out. Nothing without a file. */
  read(): HistoryReading {
    const now = fileVersion(this.#path);
    if (now.text === this.#seen.text) return this.#reading;
    // Another file or a shorter one: the updater has dropped the oldest entries.
    if (now.inode !== this.#seen.inode || now.size_bytes < this.#read_bytes) {
      this.#reading = NOTHING;
      this.#read_bytes = 0;
    }
    this.#seen = now;
    this.#read_bytes = readLinesFrom(this.#path, this.#read_bytes, JOURNAL_LINE_MAX_BYTES, (line) => {
      this.#reading = withLine(this.#reading, line);
    });
    return this.#reading;
  }
}

function withLine(reading: HistoryReading, line: string): HistoryReading {
  const entry = parseEntry(line);
  if (entry === null) return reading;
  const { outcome } = entry;
  const before = reading.ended[outcome];
  return {
    latest: [entry, ...reading.latest].slice(0, UPDATES_SHOWN),
    ended: {
      ...reading.ended,
      [outcome]: { count: before.count + 1, lastAt: instantOrNull(entry.at) ?? before.lastAt },
    },
  };
}

function parseEntry(line: string): PastUpdate | null {
  try {
    const entry: unknown = JSON.parse(line);
    return Value.Check(PastUpdate, entry) ? entry : null;
  } catch {
    // Torn by a power cut; the next entry begins on a line of its own.
    return null;
  }
}
