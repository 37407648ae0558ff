import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sealStatement } from '../../protocol/evidence/statement.ts';
import { CHECKPOINT } from '../../protocol/evidence/statements.ts';
import { startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice } from '../../test/coordinator/device.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { evidenceKey } from '../../test/evidence/evidence-key.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { runProgram } from '../program.ts';

afterAll(stopLabs);

test('people see how far the evidence of an appliance is, and that it contradicts itself', async () => {
  const lab = await startLab();
  const device = await approvedDevice(lab);
  const page = async () => (await new Visitor(lab, await lab.admin()).see(`/devices/${device.id}`)).html;
  const folder = makeFolder('show');
  const token = join(folder, 'token');
  writeFileSync(token, await lab.admin());
  const command = async (...args: string[]) => {
    const shown = { out: '', err: '' };
    await runProgram(['evidence', ...args, '--server', lab.url, '--token-file', token], {
      out: (text) => (shown.out += text),
      err: (text) => (shown.err += text),
      setExitCode: () => {},
    });
    return shown;
  };
  expect(await page()).toContain('It has sent no checkpoint');
  expect((await command('checkpoints', device.id)).err).toContain('EVIDENCE_UNKNOWN');
  const { signer, endorsement } = evidenceKey('evidence', device.key);
  const chain = 'c'.repeat(32);
  const send = async (hash: string) => {
    const at = '2026-11-21T20:30:00.000Z';
    const place = { at, chain, format: 1 as const, hash, previous: null, seq: 4711, succeeds: null };
    const checkpoint = sealStatement(CHECKPOINT, place, signer);
    return (await device.send('/agent/evidence/checkpoint', { checkpoint, endorsement })).status;
  };
  expect(await send('a'.repeat(64))).toBe(200);
  expect(await page()).toContain('4711');
  expect((await command('list', device.id)).out).toMatch(/c{32} .*4711/);
  expect(await page()).not.toContain('contradicts itself');
  expect(await send('b'.repeat(64))).toBe(409);
  expect(await page()).toMatch(/contradicts itself[\s\S]*there are two records 4711/);
  expect((await command('list', device.id)).out).toContain('there are two records 4711');
  expect(JSON.parse((await command('checkpoints', device.id)).out).countersignatures).toHaveLength(1);
  expect((await command('records', device.id, chain)).err).toContain('EVIDENCE_UNKNOWN');
});
