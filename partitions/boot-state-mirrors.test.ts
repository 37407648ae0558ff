import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { BootState } from './boot-state.ts';
import {
  readBootCountMirror,
  readUpdateStateMirror,
  refreshMirrors,
  writeMirrors,
} from './boot-state-mirrors.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-mirrors-'));
afterAll(() => rmSync(folder, { recursive: true }));
const paths = {
  updateState: join(folder, 'update/update_state.json'),
  bootCount: join(folder, 'update/boot_count'),
};
const state: BootState = { active: 'A', trial: 'B', attempts: 2, good: { A: true, B: false }, failed: null };

describe('the mirrors of the boot state', () => {
  test('come back as they were written, in a folder that was not there', () => {
    writeMirrors(state, paths);
    expect(readUpdateStateMirror(paths.updateState)).toEqual(state);
    expect(readBootCountMirror(paths.bootCount)).toBe(2);
  });

  test('say what tools look for', () => {
    writeMirrors(state, paths);
    expect(JSON.parse(readFileSync(paths.updateState, 'utf8'))).toEqual({
      format: 1,
      active_partition: 'A',
      trial_partition: 'B',
      failed_partition: null,
      boot_attempts: 2,
      good: { A: true, B: false },
    });
    expect(readFileSync(paths.bootCount, 'utf8')).toBe('2\n');
  });

  test('that find no room are told of and stop nobody', () => {
    const full = join(folder, 'full');
    symlinkSync('/dev/full', `${full}.new`);
    const warnings: string[] = [];
    const nowhere = { ...paths, updateState: full };
    expect(() => writeMirrors(state, nowhere)).toThrow('ENOSPC');
    refreshMirrors(state, nowhere, (message) => warnings.push(message));
    expect(warnings).toEqual([expect.stringContaining('ENOSPC')]);
  });

  test.each(['', '{', '[]', '{"format":1}', '{"format":2,"active_partition":"A"}', 'active_partition=A'])(
    'are nothing when the file holds %j',
    (text) => {
      writeFileSync(paths.updateState, text);
      expect(readUpdateStateMirror(paths.updateState)).toBeUndefined();
    },
  );

  test.each(['', '6\n', '-1', '1 2', 'three'])('give no count for %j', (text) => {
    writeFileSync(paths.bootCount, text);
    expect(readBootCountMirror(paths.bootCount)).toBeUndefined();
  });

  test('are nothing when there is no file', () => {
    expect(readUpdateStateMirror(join(folder, 'none'))).toBeUndefined();
    expect(readBootCountMirror(join(folder, 'none'))).toBeUndefined();
  });
});
