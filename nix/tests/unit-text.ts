import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NIX } from './evaluate.ts';

/** Sections of a unit file, each a list of keys with all their values; written apart from the reader in Nix that it checks. */
export type UnitText = Map<string, Map<string, string[]>>;

const UNITS = join(NIX, '../iso/rootfs/usr/lib/systemd/system');

export function readUnit(name: string): UnitText {
  return parseUnit(readFileSync(join(UNITS, name), 'utf8'));
}

export function parseUnit(text: string): UnitText {
  const unit: UnitText = new Map();
  let keys = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const section = /^\[(\w+)\]$/.exec(line)?.[1];
    if (section !== undefined) {
      keys = unit.get(section) ?? new Map<string, string[]>();
      unit.set(section, keys);
      continue;
    }
    const at = line.indexOf('=');
    const key = line.slice(0, at);
    keys.set(key, [...(keys.get(key) ?? []), line.slice(at + 1)]);
  }
  return unit;
}

/** A file of `Name value` lines, such as sshd_config. */
export function readSettings(path: string): Record<string, string> {
  const lines = readFileSync(join(NIX, '..', path), 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^([A-Za-z]\w*) (.*)$/.exec(line) ?? [];
      return name !== undefined && value !== undefined ? [[name, value]] : [];
    }),
  );
}
