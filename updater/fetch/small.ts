import { judgeStatus, lengthOf } from './answer.ts';
import { FetchFailure } from './failure.ts';
import { askSize } from './http-source.ts';
import { MIRROR_TRIES } from './limits.ts';
import type { Mirror } from './mirrors.ts';
import type { FetchOptions } from './options.ts';
import { type FetchSession, openSession } from './session.ts';

/**
 * A small document, whole: an index of a channel, say. Mirrors and retries as with `httpSource`, but a broken transfer
 * begins anew, because the document may have changed.
 *
 * @param urls mirrors of one document, in order
 * @param max_bytes longer ones are refused
 * @throws BulkheadError FETCH_TOO_LARGE, and what `httpSource` and its reading throw
 */
export async function fetchSmall(
  urls: readonly string[],
  max_bytes: number,
  options: FetchOptions = {},
): Promise<Uint8Array> {
  const session = openSession(urls, options);
  try {
    for (;;) {
      const mirror = session.mirrors.current();
      try {
        return await readWhole(session, mirror, max_bytes);
      } catch (error) {
        await session.recover(mirror, error, 0);
      }
    }
  } finally {
    session.close();
  }
}

async function readWhole(session: FetchSession, mirror: Mirror, max_bytes: number): Promise<Uint8Array> {
  const { name } = mirror.address;
  const tooLarge = (what: string) =>
    new FetchFailure('FETCH_TOO_LARGE', `${name} ${what}, at most ${max_bytes} are accepted`, {
      reaction: 'out',
    });
  const exchange = session.exchange(mirror);
  try {
    const answer = await exchange.open({ Connection: 'close' });
    judgeStatus(answer, name, [200]);
    const length_bytes = lengthOf(answer, name) ?? 0;
    if (length_bytes > max_bytes) throw tooLarge(`has ${length_bytes} bytes`);
    session.settings.meter.reserve(length_bytes);
    const parts: Uint8Array[] = [];
    let size_bytes = 0;
    for await (const part of exchange.read(answer)) {
      size_bytes += part.length;
      if (size_bytes > max_bytes) throw tooLarge(`goes on after ${max_bytes} bytes`);
      parts.push(part);
    }
    return new Uint8Array(Buffer.concat(parts));
  } finally {
    exchange.close();
  }
}

/**
 * Whether a file is there, and how long it is. It is taken for absent when a mirror says so and no other has it, even if
 * another could not be reached: what is asked for this way (a delta, a file of blocks) can be done without.
 *
 * @param urls mirrors of one file, in order
 * @returns length in bytes, null when it is not there (status 404 or 410)
 * @throws BulkheadError what `httpSource` and its reading throw
 */
export async function exists(urls: readonly string[], options: FetchOptions = {}): Promise<number | null> {
  const session = openSession(urls, options);
  const { all } = session.mirrors;
  try {
    for (;;) {
      const mirror = session.mirrors.current();
      try {
        return await askSize(session, mirror);
      } catch (error) {
        try {
          await session.recover(mirror, error, 0);
        } catch (final) {
          const givenUp = final instanceof FetchFailure && final.code === 'FETCH_GAVE_UP';
          if (isAbsent(all, givenUp)) return null;
          throw final;
        }
        if (isAbsent(all, false)) return null;
      }
    }
  } finally {
    session.close();
  }
}

function isAbsent(mirrors: readonly Mirror[], givenUp: boolean): boolean {
  const hope = mirrors.some(({ out, failures }) => !out && failures < MIRROR_TRIES);
  return mirrors.some(({ out }) => out?.code === 'FETCH_NOT_FOUND') && (givenUp || !hope);
}
