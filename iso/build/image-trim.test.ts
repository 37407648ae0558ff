import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { trimTree } from './image-trim.ts';

/** A small tree with what the trimming looks at; the boot tests look at the real one. */
const target = mkdtempSync(join(tmpdir(), 'bulkhead-trim-'));
afterAll(() => rmSync(target, { recursive: true }));

function put(path: string, content: string, mode: number): void {
  mkdirSync(dirname(join(target, path)), { recursive: true });
  writeFileSync(join(target, path), content);
  chmodSync(join(target, path), mode);
}

const SCRIPT = '#!/usr/bin/perl -w\nprint 1;\n';
put('usr/bin/dash', '\x7fELF', 0o755);
symlinkSync('dash', join(target, 'usr/bin/sh'));
put('usr/bin/perl', '\x7fELF', 0o755);
put('usr/bin/su', '\x7fELF', 0o4755);
put('usr/bin/chage', '\x7fELF', 0o2755);
put('usr/lib/openssh/ssh-keysign', '\x7fELF', 0o4755);
put('usr/sbin/from-perl', SCRIPT, 0o755);
put('usr/bin/by-env', '#!/usr/bin/env perl\n', 0o755);
put('usr/bin/from-shell', '#!/bin/sh\n', 0o755);
put('usr/bin/from-dash', '#! /usr/bin/dash -e\n', 0o4755);
for (const folder of ['udev/rules.d', 'x86_64-linux-gnu/gconv', 'systemd/system-generators'])
  mkdirSync(join(target, 'usr/lib', folder), { recursive: true });
// A tree leads back into itself in more than one place.
symlinkSync('..', join(target, 'usr/lib/loop'));
trimTree(target);

test('no program of the image gives its caller another user or group', () => {
  const found = spawnSync('find', [target, '-perm', '/6000'], { encoding: 'utf8' });
  expect([found.status, found.stdout]).toEqual([0, '']);
  expect(statSync(join(target, 'usr/bin/su')).mode & 0o7777).toBe(0o755);
});

test('a script goes with its interpreter, and stays with it', () => {
  const left = (path: string) => existsSync(join(target, path));
  expect([left('usr/bin/perl'), left('usr/sbin/from-perl'), left('usr/bin/by-env')]).toEqual([
    false,
    false,
    false,
  ]);
  expect([left('usr/bin/from-shell'), left('usr/bin/from-dash'), left('usr/bin/dash')]).toEqual([
    true,
    true,
    true,
  ]);
});
