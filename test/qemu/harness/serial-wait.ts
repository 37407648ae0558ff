/** Decides what a wait for console text has come to. Pure, so that every outcome can be tested without a machine. */

const PANIC = /Kernel panic - not syncing.*/;

export interface SerialMatch {
  /** The matched text. */
  text: string;
  /** Capture groups, from 1 on at index 0; empty text for a group that took no part. */
  groups: readonly string[];
}

export type SerialFinding =
  | { kind: 'match'; match: SerialMatch; end: number }
  | { kind: 'panic'; line: string }
  | { kind: 'nothing' };

/**
 * @param text console text since the last match
 * @param expectPanic a panic ends nothing
 */
export function findInSerial(text: string, pattern: string | RegExp, expectPanic: boolean): SerialFinding {
  const found = locate(text, pattern);
  const panic = expectPanic ? null : PANIC.exec(text);
  // What came before the panic was still seen; the wait after it will meet the panic.
  if (found && (!panic || found.index < panic.index + panic[0].length)) {
    return {
      kind: 'match',
      match: { text: found.text, groups: found.groups },
      end: found.index + found.text.length,
    };
  }
  return panic ? { kind: 'panic', line: panic[0] } : { kind: 'nothing' };
}

function locate(text: string, pattern: string | RegExp) {
  if (typeof pattern === 'string') {
    const index = text.indexOf(pattern);
    return index < 0 ? undefined : { index, text: pattern, groups: [] };
  }
  const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(text);
  if (!match) return undefined;
  return { index: match.index, text: match[0], groups: match.slice(1).map((group) => group ?? '') };
}
