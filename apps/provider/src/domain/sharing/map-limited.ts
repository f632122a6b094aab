/**
 * Maps a list with at most `limit` calls under way at once; results keep their order.
 * The first failure ends it; calls already under way run out unheard.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const rest = items.entries()
  async function worker(): Promise<void> {
    for (const [index, item] of rest) results[index] = await map(item, index)
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}
