/** Who of those that have most gives up a place. @param most how many each of them has; the newest is the last */
export type PickVictim = <T>(candidates: readonly T[], most: number) => T | undefined;

/**
 * So many places in all, and so many for each. Whoever comes when they are taken gets one all the same: one goes of those who have
 * most. So whoever holds many places keeps nobody out who needs one.
 */
export class Places<T> {
  readonly #held = new Map<string, Set<T>>();
  readonly #limits: { in_all_max: number; each_max: number };
  readonly #pick: PickVictim;
  #count = 0;

  constructor(limits: { in_all_max: number; each_max: number }, pick: PickVictim) {
    this.#limits = limits;
    this.#pick = pick;
  }

  /** @returns those that have to go for it, which are out already; it may be among them itself */
  enter(owner: string, one: T): T[] {
    const own = this.#held.get(owner) ?? new Set<T>();
    this.#held.set(owner, own.add(one));
    this.#count += 1;
    const { in_all_max, each_max } = this.#limits;
    if (own.size > each_max) return this.#drop([[owner, own]], own.size);
    if (this.#count <= in_all_max) return [];
    const most = Math.max(...[...this.#held.values()].map(({ size }) => size));
    return this.#drop(
      [...this.#held].filter(([, { size }]) => size === most),
      most,
    );
  }

  /** Does nothing where it is out already. */
  leave(owner: string, one: T): void {
    const own = this.#held.get(owner);
    if (own?.delete(one) !== true) return;
    this.#count -= 1;
    if (own.size === 0) this.#held.delete(owner);
  }

  #drop(among: readonly [string, Set<T>][], most: number): T[] {
    const candidates = among.flatMap(([owner, own]) => [...own].map((one) => ({ owner, one })));
    const victim = this.#pick(candidates, most);
    if (victim === undefined) return [];
    this.leave(victim.owner, victim.one);
    return [victim.one];
  }
}
