import { JOBS_CHANNEL } from '@c2d/operator-db'
import { openListener } from '@c2d/postgres'
import { sleep, toError, type Logger } from '@c2d/runtime'

const RELISTEN_MS = 1_000
/** How often the connection is asked whether it lives. */
const HEARTBEAT_MS = 5_000

export interface RowListenerOptions {
  databaseUrl: string
  applicationName: string
  signal: AbortSignal
  /** Pause between two heartbeats; an answer may take twice as long. Five seconds when absent. */
  heartbeatMs?: number
}

/**
 * Calls `onChange` whenever rows changed, without saying which: a notification carries nothing that anybody trusts
 * (DESIGN §4.6). Listens again when its connection breaks, or does not answer, and calls `onChange` then, for what was
 * missed meanwhile.
 */
export async function listenToRows(
  options: RowListenerOptions,
  deps: { onChange: () => void; log: Logger },
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await listenOnce(options, deps.onChange)
    } catch (thrown) {
      deps.log.warn({ err: toError(thrown) }, 'not listening; the tick goes on')
    }
    await sleep(RELISTEN_MS, options.signal)
  }
}

async function listenOnce(options: RowListenerOptions, onChange: () => void): Promise<void> {
  const { databaseUrl, applicationName, signal, heartbeatMs = HEARTBEAT_MS } = options
  const client = await openListener({ url: databaseUrl, applicationName, silentMs: 2 * heartbeatMs })
  let onAbort: (() => void) | undefined
  try {
    const ended = new Promise<void>((resolve, reject) => {
      // Not once: a server that goes away is told twice, and an error that nobody listens to would end the engine.
      client.on('error', reject)
      client.on('end', resolve)
      onAbort = () => resolve()
      signal.addEventListener('abort', onAbort, { once: true })
    })
    ended.catch(() => undefined) // awaited below; it may fail before that
    client.on('notification', onChange)
    await client.query(`LISTEN ${JOBS_CHANNEL}`)
    onChange()
    if (!signal.aborted) await Promise.race([ended, beat(client, heartbeatMs, signal)])
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
    await client.end()
  }
}

/** One question after the other, each answered before the next: else asking alone would make a dead wire look alive. */
async function beat(
  client: Awaited<ReturnType<typeof openListener>>,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(everyMs, signal)
    if (signal.aborted) return
    await client.query('SELECT 1')
  }
}
