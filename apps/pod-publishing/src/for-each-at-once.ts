/**
 * Does the same with every item, several at once, beginning in their order. The first error ends it once what has begun
 * is done.
 */
export async function forEachAtOnce<T>(
  atOnce: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values()
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item)
  }
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, worker)
  for (const { status, ...rest } of await Promise.allSettled(workers)) {
    if (status === 'rejected') throw (rest as PromiseRejectedResult).reason
  }
}
