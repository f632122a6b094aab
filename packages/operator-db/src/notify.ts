import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import { JOBS_CHANNEL } from './channel.ts'

/** Wakes whoever listens on `JOBS_CHANNEL`. A statement of its own, to be run after the commit (DESIGN §4.15). */
export async function notifyJobs(db: Database): Promise<void> {
  await db.raw(`NOTIFY ${JOBS_CHANNEL}`)
}

/** Wakes the engines after changes, many changes by one notification. */
export interface JobNotifier {
  /** Call after the commit. Returns at once; a failed notification is logged, since the engine's timer is the guarantee. */
  notify(): void
  /** Sends what is still owed. */
  close(): Promise<void>
}

/**
 * The first change wakes at once, those within the following pause share one notification at its end.
 * @param options.coalesceMs the pause between two notifications
 */
export function createJobNotifier(options: { coalesceMs: number }, deps: { db: Database; log: Logger }): JobNotifier {
  let pause: NodeJS.Timeout | undefined
  let isOwed = false
  let sending: Promise<void> = Promise.resolve()

  function send(): void {
    isOwed = false
    pause = setTimeout(afterPause, options.coalesceMs)
    pause.unref()
    sending = notifyJobs(deps.db).catch((thrown: unknown) => {
      deps.log.warn({ err: toError(thrown) }, 'could not notify of changed jobs')
    })
  }

  function afterPause(): void {
    pause = undefined
    if (isOwed) send()
  }

  return {
    notify() {
      if (pause) isOwed = true
      else send()
    },
    async close() {
      clearTimeout(pause)
      if (isOwed) send()
      clearTimeout(pause)
      await sending
    },
  }
}
