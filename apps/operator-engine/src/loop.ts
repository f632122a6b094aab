import { toError, type Logger } from '@c2d/runtime'

/** What one pass over a job asks for. */
export type PassResult = { next: 'again' } | { next: 'wait'; untilMs: number | null } | { next: 'drop' }

export interface JobLoopOptions {
  /** How many passes may run at the same time; those that were due at a time are never held up by it. */
  maxConcurrentPasses: number
  /** First pause after a failed pass, in milliseconds; doubles up to `retryMaxMs`, with jitter. */
  retryBaseMs: number
  retryMaxMs: number
  /** After so many failures in a row `giveUp` is called for the job. */
  maxFailures: number
}

interface Entry {
  running: boolean
  wakeAgain: boolean
  failures: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Runs passes over jobs: one at a time a job, a bounded number at once; a wake during a pass means one more pass
 * after it. It knows keys, not events, and nothing of what a pass does (codebases: the reconcilers).
 */
export interface JobLoop {
  /** Asks for a pass over a job, soon. */
  wake(jobId: string): void
  /** Asks for a pass over every job that is held. */
  wakeAll(): void
  /** The jobs that are held. */
  held(): string[]
  /** Forgets a job; its running pass ends as it ends. */
  drop(jobId: string): void
  /** No new pass begins; resolves when the running ones have ended. */
  drain(): Promise<void>
}

export function createJobLoop(
  options: JobLoopOptions,
  deps: {
    pass: (jobId: string) => Promise<PassResult>
    giveUp: (jobId: string, error: Error) => Promise<void>
    nowMs: () => number
    log: Logger
  },
): JobLoop {
  const entries = new Map<string, Entry>()
  /** In the order they asked. */
  const ready = new Set<string>()
  let running = 0
  let draining = false
  let onIdle: (() => void) | undefined

  /** A time that was asked for stays: the wait for a place may be longer. */
  function enqueue(jobId: string, entry: Entry): void {
    if (entry.running) entry.wakeAgain = true
    else ready.add(jobId)
    pump()
  }

  /** A time that was asked for is a deadline: it is held whatever the other jobs do (DESIGN §4.13). */
  function onDue(jobId: string, entry: Entry): void {
    ready.delete(jobId)
    if (entry.running) entry.wakeAgain = true
    else if (!draining) void runPass(jobId, entry)
  }

  function pump(): void {
    while (!draining && running < options.maxConcurrentPasses) {
      const [jobId] = ready
      if (jobId === undefined) return
      ready.delete(jobId)
      const entry = entries.get(jobId)
      if (entry && !entry.running) void runPass(jobId, entry)
    }
  }

  async function runPass(jobId: string, entry: Entry): Promise<void> {
    clearTimeout(entry.timer)
    entry.running = true
    entry.wakeAgain = false
    running++
    try {
      const result = await deps.pass(jobId)
      entry.failures = 0
      settle(jobId, entry, result)
    } catch (thrown) {
      await onFailure(jobId, entry, toError(thrown))
    } finally {
      running--
      if (running === 0) onIdle?.()
      pump()
    }
  }

  function settle(jobId: string, entry: Entry, result: PassResult): void {
    entry.running = false
    if (isForgotten(jobId, entry)) return
    if (result.next === 'drop') {
      entries.delete(jobId)
      return
    }
    if (result.next === 'wait' && result.untilMs !== null) {
      wakeLater(entry, result.untilMs - deps.nowMs(), () => onDue(jobId, entry))
    }
    if (result.next === 'again' || entry.wakeAgain) enqueue(jobId, entry)
  }

  /** Dropped during the pass, and perhaps held anew since: what the pass asks for is nobody's any more. */
  function isForgotten(jobId: string, entry: Entry): boolean {
    return entries.get(jobId) !== entry
  }

  async function onFailure(jobId: string, entry: Entry, error: Error): Promise<void> {
    entry.failures++
    deps.log.error({ jobId, failures: entry.failures, err: error }, 'a pass failed')
    if (entry.failures >= options.maxFailures) {
      try {
        await deps.giveUp(jobId, error)
        entry.failures = 0
      } catch (thrown) {
        deps.log.error({ jobId, err: toError(thrown) }, 'could not end a job whose passes fail')
      }
    }
    entry.running = false
    if (isForgotten(jobId, entry)) return
    const longestMs = Math.min(options.retryBaseMs * 2 ** Math.min(entry.failures, 30), options.retryMaxMs)
    const pauseMs = longestMs * (0.5 + Math.random() / 2)
    wakeLater(entry, pauseMs, () => enqueue(jobId, entry))
  }

  function wakeLater(entry: Entry, delayMs: number, wake: () => void): void {
    clearTimeout(entry.timer)
    // setTimeout wraps beyond 2^31 ms; a longer wait simply looks again earlier.
    entry.timer = setTimeout(wake, Math.min(Math.max(delayMs, 0), 2 ** 31 - 1))
  }

  return {
    wake(jobId) {
      let entry = entries.get(jobId)
      if (!entry) {
        entry = { running: false, wakeAgain: false, failures: 0, timer: undefined }
        entries.set(jobId, entry)
      }
      // A job that keeps failing waits for its own timer: wakes must not turn its pauses into a busy loop.
      if (entry.failures === 0) enqueue(jobId, entry)
    },
    wakeAll() {
      for (const jobId of entries.keys()) this.wake(jobId)
    },
    held: () => [...entries.keys()],
    drop(jobId) {
      const entry = entries.get(jobId)
      clearTimeout(entry?.timer)
      entries.delete(jobId)
    },
    async drain() {
      draining = true
      for (const entry of entries.values()) clearTimeout(entry.timer)
      if (running > 0) await new Promise<void>((resolve) => (onIdle = resolve))
    },
  }
}
