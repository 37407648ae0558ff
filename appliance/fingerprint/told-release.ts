import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { Unknowable } from '../../base/schema.ts';
import { readJson } from '../facts/fact-files.ts';
import type { ToldRelease } from './change-reason.ts';

const Schema = t.Object({
  agent_version: t.String(),
  image_version: Unknowable(t.String()),
  root_hash: Unknowable(t.String()),
});

/** Remembers over restarts which release was told last, so that the first report after an update says 'deployment'. */
export interface ReleaseMemory {
  read(): ToldRelease | null;
  /** @throws what the file system throws */
  write(release: ToldRelease): void;
}

/** @param path a file in the agent's own folder; null where it has none: then every start is a 'startup' */
export function releaseMemory(path: string | null): ReleaseMemory {
  return {
    read: () => {
      const value = path === null ? null : readJson(path);
      return Value.Check(Schema, value) ? value : null;
    },
    write: ({ agent_version, image_version, root_hash }) => {
      if (path === null) return;
      writeFileAtomic(path, JSON.stringify({ agent_version, image_version, root_hash }), 0o600);
    },
  };
}
