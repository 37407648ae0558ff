import { Database } from 'bun:sqlite';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import {
  COMMIT_MAX_PIECES,
  DAMAGED_COPY_AGE_MS,
  DAMAGED_COPY_MAX_BYTES,
  QUEUE_MAX_BYTES,
  QUEUE_MAX_PIECES,
} from './limits.ts';
import type { StorePart } from './migrations.ts';
import { openSiteStore, type StoreOptions } from './store.ts';

const NOTES: StorePart = {
  name: 'notes',
  steps: ['create table notes (id integer primary key, text text not null unique) strict'],
};
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

function open(more: Partial<StoreOptions> = {}) {
  const warnings: string[] = [];
  const file = more.file ?? join(makeFolder('site-store'), 'site.db');
  const store = openSiteStore({ file, parts: [NOTES], warn: (words) => warnings.push(words), ...more });
  let stopped = false;
  const stop = () => {
    if (!stopped) store.stop();
    stopped = true;
  };
  ends.push(stop);
  const note = (text: string) =>
    store.write((file) => file.query('insert into notes (text) values (?)').run(text), text.length);
  const notes = () =>
    store.database
      .query<{ text: string }, []>('select text from notes order by id')
      .all()
      .map(({ text }) => text);
  return { file, store, stop, note, notes, warnings };
}

const settled = async (promises: Promise<unknown>[]) =>
  (await Promise.allSettled(promises)).map((result) =>
    result.status === 'fulfilled' ? 'done' : String(result.reason.code ?? result.reason.message),
  );

describe('a commit', () => {
  test('takes all who wait, in their order, and answers them when they are on the disk', async () => {
    const { store, note, notes, file } = open();
    const names = Array.from({ length: COMMIT_MAX_PIECES * 2 + 1 }, (_, index) => `note ${index}`);
    const order: string[] = [];
    await Promise.all(names.map((name) => note(name).then(() => order.push(name))));
    expect(order).toEqual(names);
    expect(notes()).toEqual(names);
    // What somebody would find whose power was cut now: the file and its log, as they are.
    const copy = join(makeFolder('site-store'), 'copy.db');
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, copy + suffix);
    const seen = new Database(copy);
    expect(seen.query('select count(*) as count from notes').get()).toEqual({ count: names.length });
    seen.close();
    expect(store.state()).toMatchObject({ waiting: 0, refused: null });
  });

  test('one who throws has written nothing, and nobody else notices', async () => {
    const { store, note, notes } = open();
    const failing = store.write((file) => {
      file.query('insert into notes (text) values (?)').run('half');
      throw new Error('mine alone');
    });
    const outcome = await settled([note('a'), failing, note('b'), note('a'), note('c')]);
    expect(outcome).toEqual(['done', 'mine alone', 'done', 'SQLITE_CONSTRAINT_UNIQUE', 'done']);
    expect(notes()).toEqual(['a', 'b', 'c']);
  });

  test('says what the work returned', async () => {
    const { store } = open();
    expect(await store.write((file) => file.query('select 7 as seven').get())).toEqual({ seven: 7 });
  });

  test('who comes when too much waits is told to come again, by number and by size', async () => {
    const { note, notes } = open();
    const many = Array.from({ length: QUEUE_MAX_PIECES + 1 }, (_, index) => note(`${index}`));
    expect((await settled(many)).slice(-2)).toEqual(['done', 'SITE_BUSY']);
    expect(notes()).toHaveLength(QUEUE_MAX_PIECES);
    const large = 'x'.repeat(QUEUE_MAX_BYTES / 4);
    const outcome = await settled([1, 2, 3, 4].map((number) => note(`${number}${large}`)));
    expect(outcome).toEqual(['done', 'done', 'done', 'SITE_BUSY']);
  });

  test('at the end what waits is written, and nothing is taken any more', async () => {
    const { note, stop, file } = open();
    const waiting = note('last');
    stop();
    await waiting;
    await expect(note('later')).rejects.toMatchObject({ code: 'SITE_STORE_STOPPED' });
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect(open({ file }).notes()).toEqual(['last']);
  });
});

describe('the file', () => {
  test('is for its user alone, durable, and for one process', () => {
    const { file, store } = open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const pragma = (name: string) => Object.values(store.database.query(`pragma ${name}`).get() ?? {})[0];
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1]);
    const other = new Database(file);
    expect(() => other.query('select * from notes').all()).toThrow('locked');
    other.close();
  });

  test('is brought to what the program knows, part by part, and used as it is when it is newer', async () => {
    const { file, stop, note, store } = open();
    await note('old');
    stop();
    const grown = { ...NOTES, steps: [...NOTES.steps, 'alter table notes add column color text'] };
    const other = { name: 'other', steps: ['create table other (id integer) strict'] };
    const second = open({ file, parts: [grown, other] });
    expect(second.store.database.query('select * from notes').all()).toEqual([
      { id: 1, text: 'old', color: null },
    ]);
    second.stop();
    const third = open({ file });
    await third.note('by the program before');
    expect(third.notes()).toEqual(['old', 'by the program before']);
    expect(third.warnings).toEqual([expect.stringContaining('newer program (notes)')]);
    expect(store.state).toBeTypeOf('function');
  });

  test.each([
    ['no database', (file: string) => writeFileSync(file, 'not a database at all '.repeat(300))],
    ['cut in two', (file: string) => truncateSync(file, 4_096 * 2)],
  ])('that is %s is set aside, and a new one begun', async (_, damage) => {
    const { file, stop, note } = open();
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => note(`note ${index} ${'x'.repeat(50)}`)));
    stop();
    damage(file);
    // As after a power cut: there is a log.
    writeFileSync(`${file}-wal`, Buffer.alloc(100));
    const again = open({ file });
    expect(again.warnings).toEqual([expect.stringContaining('set aside')]);
    expect(existsSync(`${file}.damaged`)).toBe(true);
    await again.note('new');
    expect(again.notes()).toEqual(['new']);
  });

  test('that is set aside is cut, takes of the room of the new one for two weeks, and then says no more than that it was there', () => {
    const { file, stop, store } = open();
    const whole_bytes = store.state().max_bytes;
    stop();
    writeFileSync(file, 'not a database at all ');
    truncateSync(file, 2 * DAMAGED_COPY_MAX_BYTES);
    const now_ms = Date.now();
    const again = open({ file, now_ms: () => now_ms });
    expect(statSync(`${file}.damaged`).size).toBe(DAMAGED_COPY_MAX_BYTES);
    expect(again.store.state().max_bytes).toBe(whole_bytes - DAMAGED_COPY_MAX_BYTES);
    again.stop();
    const before = open({ file, now_ms: () => now_ms + DAMAGED_COPY_AGE_MS - 1_000 });
    expect(before.store.state().max_bytes).toBe(whole_bytes - DAMAGED_COPY_MAX_BYTES);
    before.stop();
    const after = open({ file, now_ms: () => now_ms + DAMAGED_COPY_AGE_MS });
    expect(statSync(`${file}.damaged`).size).toBe(0);
    expect([after.store.state().max_bytes, after.store.begun_anew]).toEqual([whole_bytes, true]);
  });

  test('that cannot be opened is no damage', () => {
    const folder = makeFolder('site-store');
    mkdirSync(join(folder, 'site.db'));
    expect(() => open({ file: join(folder, 'site.db') })).toThrow(
      expect.objectContaining({ code: 'SITE_STORE_FAILED' }),
    );
  });
});

describe('a full store', () => {
  test('refuses what does not fit, records nothing of it, and takes what fits beside it', async () => {
    const { note, notes, store } = open({ max_bytes: 40 * 4_096 });
    const large = 'x'.repeat(50 * 4_096);
    const outcome = await settled([note('a'), note(large), note('b')]);
    expect(outcome).toEqual(['done', 'SITE_STORE_FULL', 'done']);
    expect(notes()).toEqual(['a', 'b']);
    await note('c');
    expect(store.state()).toMatchObject({ refused: null, max_bytes: 40 * 4_096 });
  });

  test('at its limit can still be emptied, and then goes on', async () => {
    const { note, notes, store } = open({ max_bytes: 40 * 4_096 });
    const outcome = await settled(
      Array.from({ length: 100 }, (_, index) => note(`${index} ${'x'.repeat(3_000)}`)),
    );
    expect(new Set(outcome)).toEqual(new Set(['done', 'SITE_STORE_FULL']));
    expect(notes()).toHaveLength(outcome.filter((word) => word === 'done').length);
    expect(store.state().refused).toContain('SITE_STORE_FULL');
    await store.write((file) => file.run('delete from notes where id < 10'));
    await note('there is room again');
    expect(store.state().refused).toBeNull();
  });

  const canMount = process.getuid?.() === 0;
  test.skipIf(!canMount)(
    'on a disk of 8 MiB: nothing that was acknowledged is lost, and it goes on when there is room',
    async () => {
      const folder = makeFolder('site-store');
      const image = join(folder, 'disk');
      const mount = join(folder, 'mount');
      const sh = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
      writeFileSync(image, '');
      truncateSync(image, 8 * 1024 * 1024);
      mkdirSync(mount);
      sh('mkfs.ext4', '-q', '-m', '0', image);
      sh('mount', '-o', 'loop', image, mount);
      ends.push(() => sh('umount', mount));
      const other = join(mount, 'other');
      writeFileSync(other, Buffer.alloc(1024 * 1024));
      const first = open({ file: join(mount, 'site.db') });
      const kept: string[] = [];
      let refused = 0;
      for (let round = 0; round < 400 && refused < 60; round += 1)
        await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const text = `${round}-${index} ${'x'.repeat(1_000)}`;
            await first.note(text).then(
              () => kept.push(text),
              (error) => {
                expect(error.code).toBe('SITE_STORE_FULL');
                refused += 1;
              },
            );
          }),
        );
      expect(refused).toBeGreaterThanOrEqual(60);
      expect(kept.length).toBeGreaterThan(500);
      expect(first.store.state().refused).toContain('SITE_STORE_FULL');
      expect(new Set(first.notes())).toEqual(new Set(kept));
      first.stop();
      // It starts on the full disk, too, and still has everything.
      const second = open({ file: join(mount, 'site.db') });
      expect(new Set(second.notes())).toEqual(new Set(kept));
      expect(second.warnings).toEqual([]);
      // Even a removal has to be written somewhere: STORE_MAX_BYTES is what keeps it from coming to this.
      rmSync(other);
      await second.note('there is room again');
      expect(second.store.state().refused).toBeNull();
      second.stop();
      expect(readFileSync(join(mount, 'site.db')).subarray(0, 15).toString()).toBe('SQLite format 3');
    },
  );
});
