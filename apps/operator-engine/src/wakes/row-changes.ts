import { JOBS_CHANNEL } from '@c2d/operator-db'
import { openListener } from '@c2d/postgres'
import { sleep, toError, type Logger } from '@c2d/runtime'

const RELISTEN_MS = 1_000

/**
 * Calls `onChange` whenever rows changed, without saying which: a notification carries nothing that anybody trusts
 * (DESIGN §4.6). Listens again when its connection breaks, and calls `onChange` then, for what was missed meanwhile.
 */
export async function listenToRows(
  options: { databaseUrl: string; applicationName: string; signal: AbortSignal },
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

async function listenOnce(
  options: { databaseUrl: string; applicationName: string; signal: AbortSignal },
  onChange: () => void,
): Promise<void> {
  const { databaseUrl, applicationName, signal } = options
  const client = await openListener({ url: databaseUrl, applicationName })
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
    if (!signal.aborted) await ended
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
    await client.end()
  }
}
