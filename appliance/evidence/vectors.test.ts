import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testKey } from '../../base/signing/test-key.ts';
import { rawKey } from '../../protocol/evidence/endorsed-key.ts';
import { parseRecordLine, sealRecord } from '../../protocol/evidence/record.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { verifyEvidence } from './verify.ts';

interface Vectors {
  device_key: string;
  coordinator_key: string;
  cases: { name: string; lines: string[]; fault: { kind: string; seq: number; line: number } | null }[];
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/evidence.json', import.meta.url), 'utf8'),
);
const folder = makeFolder('vectors');

test.each(vectors.cases)(
  '$name: the first bad record is the one of the vectors',
  async ({ lines, fault }) => {
    const path = join(folder, 'export.jsonl');
    writeFileSync(path, `${lines.join('\n')}\n`);
    const keys = {
      device_keys: [rawKey(vectors.device_key)],
      coordinator_keys: [rawKey(vectors.coordinator_key)],
    };
    const verdict = await verifyEvidence(path, keys);
    if (fault === null) expect(verdict.whole).toBe(true);
    else expect(verdict.fault).toMatchObject(fault);
  },
);

test('records of the whole export, signed again, are the same bytes', () => {
  const [whole] = vectors.cases;
  for (const line of whole?.lines.slice(1) ?? []) {
    const { signature, ...content } = parseRecordLine(Buffer.from(line)).record;
    expect(signature).toHaveLength(88);
    expect(sealRecord(content, testKey('evidence')).line).toBe(line);
  }
});
