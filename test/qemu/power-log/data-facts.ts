import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { run, runOrThrow } from '../../../base/run.ts';
import { readJournal } from '../../../health-gate/verdict-journal.ts';
import type { Verdict } from '../../../health-gate/verdict-schema.ts';
import { readTransfer, type TransferRecord } from '../../../updater/install/transfer-journal.ts';
import { readHistory } from '../../../updater/state/history.ts';
import { jsonFile } from '../../../updater/state/json-file.ts';
import {
  PastUpdate,
  type PastUpdate as PastUpdateEntry,
  PendingUpdate,
  RejectedReleases,
} from '../../../updater/state/records.ts';
import { FILE_SYSTEM_CHECK_TIMEOUT_MS } from './limits.ts';

/** What the data file system says once it has recovered from a cut. */
export interface DataFacts {
  /** What e2fsck ended with; 0 or 1 is recovered. */
  fsck: number;
  /** Its words, where it was not content. */
  words: string;
  /**
   * `e2fsck -p`, which the initrd runs first, was not enough. `superblock`: it was torn, and a copy was taken; that is known to
   * happen and loses nothing. `guessed`: something else.
   */
  repaired: 'no' | 'superblock' | 'guessed';
  pending: PendingUpdate | undefined;
  /** What can be used of the journal of the transfer. */
  transfer: TransferRecord | undefined;
  transferFile: 'missing' | 'there';
  history: PastUpdateEntry[];
  verdicts: Verdict[];
  /** Digests of what says who the appliance is. */
  identity: Readonly<Record<string, string>>;
  /** Files that are there and cannot be read, although no cut may leave them so. */
  damaged: string[];
}

/** The first two bits of e2fsck's exit status say that it set something right; all others, that it did not. */
const FSCK_RECOVERED_MAX = 1;
/** Two of the eight sectors of its block are the superblock; one old and one new have no valid sum. */
const TORN_SUPERBLOCK = 'Superblock checksum does not match superblock';
/** The first complaint says most. */
const WORDS_MAX_CHARS = 1_000;
const FOLDERS = ['identity', 'update', 'health'];

/**
 * Recovers a file system as the initrd does, and reads what the appliance would read. The image is changed.
 *
 * @param folder empty, for what is taken out
 */
export async function readDataFacts(image: string, folder: string): Promise<DataFacts> {
  const check = await recover(image);
  const script = join(folder, 'script');
  writeFileSync(script, FOLDERS.map((name) => `rdump /${name} ${folder}\n`).join(''));
  await runOrThrow(run, 'debugfs', ['-f', script, image], { timeout_ms: FILE_SYSTEM_CHECK_TIMEOUT_MS });
  const update = join(folder, 'update');
  const damaged: string[] = [];
  const pending = jsonFile(join(update, 'pending.json'), PendingUpdate, 'the pending update').read();
  if (pending.condition === 'damaged') damaged.push(`update/pending.json: ${pending.message}`);
  const rejected = jsonFile(join(update, 'rejected.json'), RejectedReleases, 'the rejected releases').read();
  if (rejected.condition === 'damaged') damaged.push(`update/rejected.json: ${rejected.message}`);
  const mirror = jsonFile(
    join(update, 'update_state.json'),
    t.Object({ format: t.Literal(1) }),
    'mirror',
  ).read();
  if (mirror.condition === 'damaged') damaged.push(`update/update_state.json: ${mirror.message}`);
  damaged.push(...tornLines(join(update, 'history.jsonl'), (line) => Value.Check(PastUpdate, line)));
  const { verdicts, damagedLines } = await readJournal(join(folder, 'health/verdicts.jsonl'));
  // The last line may be torn: it was never reported.
  if (damagedLines > 1) damaged.push(`health/verdicts.jsonl: ${damagedLines} lines`);
  const transferFile = join(update, 'transfer.jsonl');
  return {
    ...check,
    pending: pending.condition === 'ok' ? pending.value : undefined,
    transfer: readTransfer(transferFile),
    transferFile: existsSync(transferFile) ? 'there' : 'missing',
    history: readHistory(join(update, 'history.jsonl')),
    verdicts,
    identity: digestsBelow(join(folder, 'identity')),
    damaged,
  };
}

async function recover(image: string): Promise<Pick<DataFacts, 'fsck' | 'words' | 'repaired'>> {
  const fsck = (how: string) =>
    run('e2fsck', ['-f', how, image], { timeout_ms: FILE_SYSTEM_CHECK_TIMEOUT_MS });
  const first = await fsck('-p');
  if (first.code !== null && first.code <= FSCK_RECOVERED_MAX)
    return { fsck: first.code, words: '', repaired: 'no' };
  const second = await fsck('-y');
  const words = first.stdout + first.stderr + second.stdout + second.stderr;
  return {
    fsck: second.code ?? -1,
    words: words.slice(0, WORDS_MAX_CHARS),
    repaired: words.includes(TORN_SUPERBLOCK) ? 'superblock' : 'guessed',
  };
}

/** Lines that are not what they should be; the last one may be torn, and empty ones are passed over. */
function tornLines(path: string, isValid: (line: unknown) => boolean): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.slice(0, -1).flatMap((line, at) => {
    try {
      if (isValid(JSON.parse(line))) return [];
    } catch {
      // Reported below, like a line of another form.
    }
    return [`${path.split('/').slice(-2).join('/')}: line ${at + 1}`];
  });
}

function digestsBelow(folder: string): Record<string, string> {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
}
