/** Who is due when, soonest first: a binary heap in two arrays, so that a hundred thousand wait in little more than a megabyte. */
export interface DueQueue {
  /** @param who not in the queue already */
  push(who: number, at_ms: number): void;
  /** When the next is due; Infinity: nobody waits. */
  next_ms(): number;
  /** Takes the next out; undefined: nobody waits. */
  pop(): number | undefined;
  readonly size: number;
}

/** @param capacity how many can wait at most */
export function createDueQueue(capacity: number): DueQueue {
  const times = new Float64Array(capacity);
  const whos = new Uint32Array(capacity);
  let size = 0;
  const timeAt = (at: number) => times[at] ?? Number.POSITIVE_INFINITY;
  const put = (at: number, who: number, at_ms: number) => {
    whos[at] = who;
    times[at] = at_ms;
  };
  const copy = (to: number, from: number) => put(to, whos[from] ?? 0, timeAt(from));
  /** From a hole downwards to where the last one fits. */
  const settle = (who: number, at_ms: number) => {
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      if (left >= size) break;
      const child = left + 1 < size && timeAt(left + 1) < timeAt(left) ? left + 1 : left;
      if (timeAt(child) >= at_ms) break;
      copy(hole, child);
      hole = child;
    }
    put(hole, who, at_ms);
  };
  return {
    push(who, at_ms) {
      if (size >= capacity) throw new RangeError(`more than ${capacity} are waiting`);
      let hole = size;
      size += 1;
      while (hole > 0) {
        const parent = (hole - 1) >> 1;
        if (timeAt(parent) <= at_ms) break;
        copy(hole, parent);
        hole = parent;
      }
      put(hole, who, at_ms);
    },
    next_ms: () => (size === 0 ? Number.POSITIVE_INFINITY : timeAt(0)),
    pop() {
      if (size === 0) return undefined;
      const first = whos[0];
      size -= 1;
      if (size > 0) settle(whos[size] ?? 0, timeAt(size));
      return first;
    },
    get size() {
      return size;
    },
  };
}
