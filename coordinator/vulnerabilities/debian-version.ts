/**
 * Compares versions of Debian packages as deb-version(7) says: epoch, upstream version, revision; in turns what is no digit and what is, `~`
 * before everything, even the end.
 *
 * @returns below 0: `a` is older; 0: the same; above 0: `a` is newer
 */
export function compareDebianVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  return (
    left.epoch - right.epoch ||
    comparePart(left.upstream, right.upstream) ||
    comparePart(left.revision, right.revision)
  );
}

function partsOf(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d{1,9}):)?(.*)$/s.exec(version.trim()) ?? [];
  const dash = rest.lastIndexOf('-');
  // No revision and revision 0 are the same.
  return dash < 0
    ? { epoch: Number(epoch), upstream: rest, revision: '' }
    : { epoch: Number(epoch), upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

function comparePart(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [wordA, wordB] = [/^\D*/.exec(a.slice(i))?.[0] ?? '', /^\D*/.exec(b.slice(j))?.[0] ?? ''];
    for (let at = 0; at < Math.max(wordA.length, wordB.length); at += 1) {
      const difference = weightOf(wordA[at]) - weightOf(wordB[at]);
      if (difference !== 0) return difference;
    }
    i += wordA.length;
    j += wordB.length;
    const [digitsA, digitsB] = [/^\d*/.exec(a.slice(i))?.[0] ?? '', /^\d*/.exec(b.slice(j))?.[0] ?? ''];
    // Snapshots carry dates and more: larger than a number holds.
    const [numberA, numberB] = [BigInt(digitsA || '0'), BigInt(digitsB || '0')];
    if (numberA !== numberB) return numberA < numberB ? -1 : 1;
    i += digitsA.length;
    j += digitsB.length;
  }
  return 0;
}

/** `~` sorts before the end, the end before letters, letters before everything else. */
function weightOf(character: string | undefined): number {
  if (character === '~') return -1;
  if (character === undefined) return 0;
  const code = character.codePointAt(0) ?? 0;
  return /[A-Za-z]/.test(character) ? code : code + 0x11_0000;
}
