import { watch } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isJobId } from '../job-id.ts'

/** Name of the folder below the executor's root where a job that moves leaves a file of its name: one watch for all jobs. */
export const EVENTS_FOLDER = '.events'

/** How long moves of one job are gathered before they are told, in milliseconds: one write is several events. */
const GATHER_MS = 5

/** Tells everyone who watches that a job moved. Only a hint, so a job that is being removed is no error. */
export async function announceMove(root: string, jobId: string): Promise<void> {
  await writeFile(join(root, EVENTS_FOLDER, jobId), '').catch(() => undefined)
}

/** The job ids that move from now on, each once until it was taken; ends when `signal` fires. */
export function watchMoves(root: string, signal: AbortSignal): AsyncGenerator<string> {
  const moved = new Set<string>()
  let wake: () => void = () => undefined
  const watcher = watch(join(root, EVENTS_FOLDER), { persistent: false }, (_, name) => {
    if (name === null || !isJobId(name)) return
    moved.add(name)
    wake()
  })
  // A watch that breaks (the folder was deleted) leaves the timer of whoever listens as the guarantee.
  watcher.on('error', () => undefined)
  const end = () => {
    watcher.close()
    wake()
  }
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })

  async function* takeMoves() {
    try {
      while (!signal.aborted) {
        if (moved.size === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
        }
        const batch = [...moved]
        moved.clear()
        yield* batch
      }
    } finally {
      signal.removeEventListener('abort', end)
      watcher.close()
    }
  }
  return takeMoves()
}
