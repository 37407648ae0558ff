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
  const send = async (hash: string, seq = 4711) => {
    const at = '2026-11-21T20:30:00.000Z';
    const place = { at, chain, format: 1 as const, hash, previous: null, seq, succeeds: null };
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
  expect(await send('b'.repeat(64), 4712)).toBe(409);

  // Somebody has looked into it: it goes on, behind what was countersigned and before it.
  const reason = 'its disk was put back after a repair';
  lab.wait(1_000);
  expect((await command('settle', device.id, chain, '--reason', reason)).err).toBe('');
  expect(await page()).not.toContain('contradicts itself');
  expect((await command('settle', device.id, chain, '--reason', reason)).err).toContain(
    'EVIDENCE_NOT_FORKED',
  );
  lab.wait(1_000);
  expect(await send('d'.repeat(64), 4700)).toBe(200);
  expect(await send('e'.repeat(64), 4720)).toBe(200);
  expect(JSON.parse((await command('checkpoints', device.id)).out).countersignatures).toHaveLength(3);
  const { body } = await lab.call('GET', '/api/v1/audit', undefined, await lab.admin());
  expect(JSON.stringify(body)).toContain(reason);
  // What contradicts that is a fork again, and so is a second record of a number that was countersigned once.
  expect(await send('f'.repeat(64), 4700)).toBe(409);
  expect(await page()).toMatch(/contradicts itself[\s\S]*there are two records 4700/);
  lab.wait(1_000);
  const visitor = new Visitor(lab, await lab.admin());
  await visitor.send(`/devices/${device.id}`, { act: 'settle', chain, reason });
  expect(await page()).not.toContain('contradicts itself');
  lab.wait(1_000);
  expect(await send('b'.repeat(64))).toBe(409);
});
