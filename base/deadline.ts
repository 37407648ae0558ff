/**
 * The promise's value, or what `late` gives or throws once the time is over. What the promise comes to later is nobody's business
 * any more; its work is not ended by this.
 */
export async function withDeadline<T, L = T>(
  promise: Promise<T>,
  timeout_ms: number,
  late: () => L | Promise<L>,
): Promise<T | L> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeout_ms);
  }).then(late);
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
