import { afterAll, beforeEach, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import type { Run } from '../../base/run.ts';
import { LabMachine, ROOT_HASH } from '../lab/machine.ts';
import { verityActive, verityRootHash } from './verity-active.ts';

const SALT = '0f'.repeat(32);
/** As `dmsetup table` and `dmsetup status` of 1.02.205 print them for a verity device. */
const TABLE = `0 417792 verity 1 254:2 254:2 4096 4096 52224 52225 sha256 ${ROOT_HASH} ${SALT}\n`;
const machine = new LabMachine();
afterAll(() => machine.remove());
beforeEach(() => {
  machine.write('proc/self/mountinfo', '21 1 253:0 / / ro,relatime - erofs /dev/dm-0 ro\n');
  machine.write('sys/dev/block/253:0/dm/name', 'root\n');
});

async function judge(options: { table?: string; status?: string; commandLine?: string } = {}) {
  const { table = TABLE, status = '0 417792 verity V\n' } = options;
  const { commandLine = `quiet bulkhead.verity=${ROOT_HASH}:52224:${SALT} panic=1` } = options;
  const run: Run = async (program, [what, device]) => {
    expect([program, device]).toEqual(['dmsetup', 'root']);
    return { code: 0, stdout: what === 'table' ? table : status, stderr: '' };
  };
  const context = machine.context({ run, kernelCommandLine: commandLine });
  const { outcome, message } = await verityActive.find(context, new AbortController().signal);
  return `${outcome}: ${message}`;
}

test('passes when the kernel enforces the root hash that the boot loader handed over', async () => {
  expect(await judge()).toBe('pass: root hash a1a1a1a1a1a1a1a1… is enforced');
});

test('fails when the kernel enforces another root hash', async () => {
  expect(await judge({ table: TABLE.replace(ROOT_HASH, 'b2'.repeat(32)) })).toMatch(
    /^fail: the root hash is b2b2/,
  );
});

test('fails once dm-verity has met a damaged block', async () => {
  expect(await judge({ status: '0 417792 verity C\n' })).toMatch(/^fail: dm-verity has met damaged blocks/);
});

test('fails when the root is device-mapper but not verity', async () => {
  expect(await judge({ table: '0 417792 linear 254:2 0\n' })).toMatch(
    /^fail: the root device 'root' is not dm-verity/,
  );
  expect(verityRootHash(`${TABLE}417792 8 linear 254:2 0\n`)).toBeUndefined();
});

test('fails when the root is a plain partition', async () => {
  machine.write('proc/self/mountinfo', '21 1 254:2 / / ro,relatime - erofs /dev/vda2 ro\n');
  expect(await judge()).toBe('fail: the root /dev/vda2 (254:2) is no device-mapper device');
});

test('fails when the root can be written', async () => {
  machine.write('proc/self/mountinfo', '21 1 253:0 / / rw,relatime - ext4 /dev/dm-0 rw\n');
  expect(await judge()).toBe('fail: the root file system on /dev/dm-0 is writable');
});

test('fails when the command line names no root hash, or half of one', async () => {
  const none = 'fail: the kernel command line names no verity root hash';
  expect(await judge({ commandLine: 'quiet' })).toBe(none);
  expect(await judge({ commandLine: `bulkhead.verity=${ROOT_HASH.slice(2)}:1:00` })).toBe(none);
});

test('a dmsetup that is missing is a failure, not a pass', async () => {
  const run: Run = () => Promise.reject(new BulkheadError('COMMAND_NOT_FOUND', "cannot start 'dmsetup'"));
  const context = machine.context({ run, kernelCommandLine: `bulkhead.verity=${ROOT_HASH}:1:${SALT}` });
  await expect(verityActive.find(context, new AbortController().signal)).rejects.toThrow(/dmsetup/);
});

test('is not asked on a live boot', async () => {
  const finding = await verityActive.find(machine.context({ live: true }), new AbortController().signal);
  expect(finding.outcome).toBe('skipped');
});
