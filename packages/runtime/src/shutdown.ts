import { toError } from './app-error.ts'
import type { Logger } from './logger.ts'

/** Resources to give back, last opened first. */
export interface Shutdown {
  /** Aborts as soon as an end is asked for; every long wait takes it. */
  readonly signal: AbortSignal
  /** Registers what must be closed. */
  onClose(name: string, close: () => Promise<void> | void): void
  /** Closes everything, once; later calls wait for the same end. */
  close(): Promise<void>
}

/**
 * Collects resources and closes them last-in first-out on SIGTERM, SIGINT or `close()`.
 * A second signal, or the grace limit, ends the process at once with exit code 1.
 * @param options.graceMs how long closing may take
 * @param options.signals process signals to listen to; none in tests
 */
export function createShutdown(
  options: { graceMs: number; signals?: readonly NodeJS.Signals[] },
  deps: { log: Logger },
): Shutdown {
  const controller = new AbortController()
  const resources: { name: string; close: () => Promise<void> | void }[] = []
  let closing: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    controller.abort()
    for (const resource of resources.reverse()) {
      try {
        await resource.close()
      } catch (thrown) {
        deps.log.error({ resource: resource.name, err: toError(thrown) }, 'could not close a resource')
      }
    }
  }

  const shutdown: Shutdown = {
    signal: controller.signal,
    onClose(name, close) {
      resources.push({ name, close })
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }

  for (const signal of options.signals ?? []) {
    process.on(signal, () => {
      if (closing) process.exit(1)
      deps.log.info({ signal }, 'shutting down')
      setTimeout(() => process.exit(1), options.graceMs).unref()
      void shutdown.close().then(() => process.exit(0))
    })
  }
  return shutdown
}
