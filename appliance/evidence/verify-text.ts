import type { Verdict } from './verify.ts';

/** What a verification has found, for people. */
export function verdictText(
  { whole, records, chains, fault }: Verdict,
  trust: { device: boolean; coordinator: boolean },
): string {
  const lines = [whole ? `whole: ${records} records` : 'NOT WHOLE'];
  if (fault) {
    const what = fault.seq === null ? 'a record' : `record ${fault.seq}`;
    const chain = fault.chain === null ? '' : ` of chain ${fault.chain}`;
    lines.push(
      `first bad record: ${what}${chain}`,
      `where: ${fault.file}, line ${fault.line}`,
      `what: ${fault.kind}: ${fault.message}`,
    );
  }
  for (const { chain, key_id, device, first_seq, last_seq, last_hash, countersigned } of chains) {
    const good = fault?.chain === chain ? ', good as far as that' : '';
    lines.push(
      `chain ${chain}: records ${first_seq} to ${last_seq}${good}`,
      `  last   ${last_hash}`,
      `  key    ${key_id} of device ${device}${trust.device ? '' : ' (by its own word: no device key was given)'}`,
      countersigned
        ? `  seen   record ${countersigned.seq} by the coordinator at ${countersigned.at}${trust.coordinator ? '' : ' (not held to its key: none was given)'}`
        : '  seen   by no coordinator',
    );
  }
  return lines.join('\n');
}
