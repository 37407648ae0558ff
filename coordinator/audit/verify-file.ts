import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { type AuditEntry, type ChainVerdict, verifyChain } from './chain.ts';

const Line = t.Object({
  ...{
    sequence: t.Integer(),
    at_ms: t.Integer(),
    actor: t.String(),
    action: t.String(),
    subject: t.String(),
  },
  ...{ details: t.Record(t.String(), t.Unknown()), previous_hash: t.String(), hash: t.String() },
});

/**
 * Whether an exported log is whole, read line by line.
 *
 * @param noted hash of an entry that was noted before
 * @throws BulkheadError AUDIT_FILE_UNREADABLE, AUDIT_FILE_INVALID
 */
export async function verifyFile(
  path: string,
  noted?: string,
): Promise<ChainVerdict & { headFound: boolean }> {
  let headFound = false;
  const verdict = await verifyChain(
    (async function* () {
      for await (const entry of readEntries(path)) {
        headFound ||= entry.hash === noted;
        yield entry;
      }
    })(),
  );
  return { ...verdict, headFound };
}

async function* readEntries(path: string): AsyncGenerator<AuditEntry> {
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      number += 1;
      yield parseLine(line, number);
    }
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('AUDIT_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

function parseLine(line: string, number: number): AuditEntry {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch (cause) {
    throw invalid(number, cause);
  }
  if (!Value.Check(Line, entry)) throw invalid(number);
  return entry;
}

function invalid(number: number, cause?: unknown): BulkheadError {
  return new BulkheadError('AUDIT_FILE_INVALID', `line ${number} is no entry of an audit log`, { cause });
}
