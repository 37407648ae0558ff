import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Owner } from '../identity/owner.ts';
import type { Action, StepName } from './plan.ts';

export interface StepFailure {
  step: StepName;
  reason: string;
}

export interface Execution {
  /** Paths that had to be changed; none on a second run. */
  changed: string[];
  failures: StepFailure[];
}

/** Carries actions out in order. One that fails is noted and does not keep the others from being tried. */
export function executeActions(actions: readonly Action[]): Execution {
  const execution: Execution = { changed: [], failures: [] };
  for (const action of actions) {
    try {
      if (execute(action)) execution.changed.push(action.path);
    } catch (error) {
      execution.failures.push({
        step: action.step,
        reason: `${action.kind} ${action.path}: ${describeError(error)}`,
      });
    }
  }
  return execution;
}

/** Makes one action true; whether something had to change. */
function execute(action: Action): boolean {
  const { path } = action;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  switch (action.kind) {
    case 'folder': {
      if (stat && !stat.isDirectory()) throw notExpected(path, 'a folder');
      if (!stat) {
        mkdirSync(path, { recursive: true, mode: action.mode });
        fsyncFolder(dirname(path));
      }
      return setAccess(path, action.mode, action.owner) || !stat;
    }
    case 'access':
      if (stat && !stat.isFile()) throw notExpected(path, 'a file');
      return stat ? setAccess(path, action.mode, action.owner) : false;
    case 'file': {
      if (stat && !stat.isFile()) throw notExpected(path, 'a file');
      const same = stat !== undefined && readFileSync(path, 'utf8') === action.content;
      // Left over from an interrupted run with another mode, it would give a secret that mode for a moment.
      if (!same) {
        rmSync(`${path}.new`, { force: true });
        writeFileAtomic(path, action.content, action.mode);
      }
      return setAccess(path, action.mode, action.owner) || !same;
    }
    case 'link':
      return setLink(path, action.target, stat);
    case 'remove':
      if (stat?.isDirectory()) throw notExpected(path, 'a file');
      if (stat) rmSync(path);
      return stat !== undefined;
    case 'remove-folder':
      if (stat) rmSync(path, { recursive: true });
      return stat !== undefined;
    case 'kernel':
      if (readFileSync(path, 'utf8') === action.content) return false;
      writeFileSync(path, action.content);
      return true;
  }
}

function setLink(path: string, target: string, stat: Stats | undefined): boolean {
  if (stat && !stat.isSymbolicLink()) throw notExpected(path, 'a symbolic link');
  if (stat && readlinkSync(path) === target) return false;
  mkdirSync(dirname(path), { recursive: true });
  // Never a moment without the link: the clock's zone is read at any time.
  rmSync(`${path}.new`, { force: true });
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
  return true;
}

function setAccess(path: string, mode: number, { uid, gid }: Owner): boolean {
  const stat = lstatSync(path);
  const changeOwner = stat.uid !== uid || stat.gid !== gid;
  const changeMode = (stat.mode & 0o7777) !== mode;
  if (changeOwner) chownSync(path, uid, gid);
  // chown clears special bits, so the mode comes last.
  if (changeOwner || changeMode) chmodSync(path, mode);
  return changeOwner || changeMode;
}

function notExpected(path: string, what: string): BulkheadError {
  return new BulkheadError('SETUP_PATH_OCCUPIED', `${path} exists and is not ${what}`, {
    hint: 'look what it is and move it away',
  });
}
