import { describeProgress, type ProgressMeter } from './progress.ts'

/**
 * Tells how far staging is, now and then. A telling that fails is left out: progress is news, not a result.
 * @param options.everyMs at most one telling in this time
 * @returns ends it; resolves when nothing is being told any more
 */
export function reportProgressOf(
  meter: ProgressMeter,
  options: { everyMs: number },
  deps: { tell: (detail: Record<string, unknown>) => Promise<void> },
): () => Promise<void> {
  let last = { bytes: 0, atMs: performance.now() }
  let telling: Promise<void> | undefined
  const timer = setInterval(() => {
    if (telling) return
    const now = meter.read()
    const atMs = performance.now()
    const detail = describeProgress(now, { bytes: last.bytes, elapsedMs: atMs - last.atMs })
    last = { bytes: now.bytes, atMs }
    telling = deps
      .tell(detail)
      .catch(() => undefined)
      .finally(() => (telling = undefined))
  }, options.everyMs)
  return async () => {
    clearInterval(timer)
    await telling
  }
}
