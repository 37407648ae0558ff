import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Places } from './places.ts';

const first = <T>(candidates: readonly T[]) => candidates[0];

describe('places', () => {
  test('are taken from those who have most, never from one who has one while others have two', () => {
    const places = new Places<string>({ in_all_max: 4, each_max: 3 }, first);
    for (const one of ['a1', 'a2', 'a3']) expect(places.enter('a', one)).toEqual([]);
    expect(places.enter('b', 'b1')).toEqual([]);
    expect(places.enter('c', 'c1')).toEqual(['a1']);
    expect(places.enter('d', 'd1')).toEqual(['a2']);
    places.leave('b', 'b1');
    expect(places.enter('e', 'e1')).toEqual([]);
  });

  test('of one are no more than each may have, however many are free', () => {
    const places = new Places<string>({ in_all_max: 100, each_max: 2 }, first);
    expect([places.enter('a', '1'), places.enter('a', '2'), places.enter('a', '3')]).toEqual([[], [], ['1']]);
  });

  test('are never more than there are, whoever comes and goes, and always enough for one of each of few', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.nat({ max: 1_000 }), (list, seed) => {
        const places = new Places<string>({ in_all_max: 8, each_max: 4 }, (all) => all[seed % all.length]);
        const inside = new Map<string, string>();
        for (const [index, [owner, comes]] of list.entries()) {
          const name = `o${owner}`;
          const [own] = [...inside].find(([, of]) => of === name) ?? [];
          if (!comes && own !== undefined) {
            places.leave(name, own);
            inside.delete(own);
            continue;
          }
          inside.set(`${name}-${index}`, name);
          for (const gone of places.enter(name, `${name}-${index}`)) inside.delete(gone);
          expect(inside.size).toBeLessThanOrEqual(8);
          // Six owners and eight places: who has just come has one.
          expect([...inside.values()]).toContain(name);
        }
      }),
    );
  });
});
