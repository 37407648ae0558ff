import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountsBelow, removeTree } from './remove-tree.ts';
import { run, runOrThrow } from './run.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-remove-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what is mounted below survives the removal of the tree', async () => {
  const precious = join(folder, 'precious');
  const tree = join(folder, 'tree with blanks');
  mkdirSync(join(tree, 'dev/inner'), { recursive: true });
  mkdirSync(precious);
  writeFileSync(join(precious, 'null'), 'a device, so to speak');
  await runOrThrow(run, 'mount', ['--bind', precious, join(tree, 'dev')]);
  expect(mountsBelow(tree)).toEqual([join(tree, 'dev')]);
  await removeTree(run, tree);
  expect(existsSync(tree)).toBe(false);
  expect(existsSync(join(precious, 'null'))).toBe(true);
});

test('a tree that cannot be unmounted is left alone', async () => {
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  await runOrThrow(run, 'mount', ['-t', 'tmpfs', 'tmpfs', tree]);
  try {
    writeFileSync(join(tree, 'file'), '');
    const pretend = async () => ({ code: 0, stdout: '', stderr: '' });
    await expect(removeTree(pretend, tree)).rejects.toMatchObject({ code: 'TREE_STILL_MOUNTED' });
    expect(existsSync(join(tree, 'file'))).toBe(true);
  } finally {
    await runOrThrow(run, 'umount', [tree]);
  }
});

test('a tree that is not there is nothing to remove', async () => {
  await removeTree(run, join(folder, 'nothing'));
});
