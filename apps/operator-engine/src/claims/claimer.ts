import { adoptJobs, claimJobs, claimStopped, type JobRow } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'

const BATCH = 100

/** Brings jobs to this engine. */
export interface Claimer {
  /** Asks for a claim, soon. Many wakes in a burst become one claim that runs, and one that follows it. */
  request(): void
  /** Takes over what another engine let go, or held when it died. */
  adopt(): Promise<void>
  /** Resolves when no claim runs, and no taking over. */
  settle(): Promise<void>
}

/**
 * @param options.signal no claim begins after it fired
 * @param deps.onTaken called with the jobs that are this engine's from now on
 */
export function createClaimer(
  options: {
    environments: readonly EnvironmentConfig[]
    lease: { claimedBy: string; leaseSeconds: number }
    signal: AbortSignal
  },
  deps: { db: Database; onTaken: (jobs: readonly JobRow[]) => void; log: Logger },
): Claimer {
  const { environments, lease, signal } = options
  const { db, onTaken } = deps

  async function claim(): Promise<void> {
    for (const { id: environment, maxJobs } of environments) {
      // Those first that only want to end: they take no slot, and wait for none.
      for (let taken = BATCH; taken === BATCH && !signal.aborted;) {
        const stopped = await claimStopped(db, { environment, limit: BATCH, ...lease })
        onTaken(stopped)
        taken = stopped.length
      }
      if (signal.aborted) return
      onTaken(await claimJobs(db, { environment, maxJobs, ...lease }))
    }
  }

  let claiming: Promise<void> | undefined
  let isAskedAgain = false
  function request(): void {
    if (signal.aborted) return
    if (claiming) {
      isAskedAgain = true
      return
    }
    claiming = claim()
      .catch((thrown: unknown) => deps.log.error({ err: toError(thrown) }, 'could not claim'))
      .finally(() => {
        claiming = undefined
        if (isAskedAgain) {
          isAskedAgain = false
          request()
        }
      })
  }

  async function adoptAll(): Promise<void> {
    const adoption = { environments: environments.map(({ id }) => id), limit: BATCH, ...lease }
    for (let taken = BATCH; taken === BATCH && !signal.aborted;) {
      const adopted = await adoptJobs(db, adoption)
      onTaken(adopted)
      taken = adopted.length
    }
  }

  let adopting: Promise<void> | undefined
  return {
    request,
    async adopt() {
      adopting = adoptAll()
      await adopting
    },
    async settle() {
      while (claiming) await claiming
      await adopting?.catch(() => undefined) // told to whoever asked for it
    },
  }
}
