import { toError, type Logger } from '@c2d/runtime'
import { createPacer, type Pacer } from './pacer.ts'

/**
 * Does something again and again until `signal` fires: at once, then after each pause. A failure is told and is no
 * reason to stop: the next round may go well.
 * @param options.what names it in the log
 * @param options.everyMs the pause between the end of one round and the next
 * @param options.pacer cuts the pause short; absent keeps it whole
 */
export async function repeat(
  options: { what: string; everyMs: number; signal: AbortSignal; pacer?: Pacer },
  round: () => Promise<void>,
  log: Logger,
): Promise<void> {
  const pacer = options.pacer ?? createPacer()
  while (!options.signal.aborted) {
    try {
      await round()
    } catch (thrown) {
      log.error({ what: options.what, err: toError(thrown) }, 'a round failed')
    }
    await pacer.pause(options.everyMs, options.signal)
  }
}
