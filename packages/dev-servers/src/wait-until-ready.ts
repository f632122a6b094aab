import { setTimeout as sleep } from 'node:timers/promises'
import type { GuardedChild } from './guarded-child.ts'

/** What to wait for, how often to ask, and when to give up. */
export interface ReadinessOptions {
  /** The server's name for error messages. */
  readonly name: string
  /** True when a real request was answered; false or a thrown error means "not yet". */
  readonly probe: () => Promise<boolean>
  readonly intervalMs: number
  readonly timeoutMs: number
}

/**
 * Resolves when the probe succeeds while the child is running. When the child ends first, or time runs out, the child
 * is stopped and an Error is thrown that carries its last lines.
 */
export async function waitUntilReady(child: GuardedChild, options: ReadinessOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs
  // Changed by a callback, which the compiler's flow analysis does not see.
  const ending: { text?: string } = {}
  void child.exited.then((exit) => {
    ending.text = exit.error ? exit.error.message : `exit code ${exit.code}, signal ${exit.signal}`
  })
  let lastFailure: unknown
  while (ending.text === undefined && Date.now() < deadline) {
    try {
      // Asked again after the answer: a server of someone else on this port could have given it.
      if ((await options.probe()) && !('text' in ending)) return
    } catch (error) {
      lastFailure = error // expected while the server is starting; reported only if it never comes up
    }
    await sleep(options.intervalMs)
  }
  await child.stop()
  const what =
    ending.text === undefined ? `did not answer within ${options.timeoutMs} ms` : `ended early (${ending.text})`
  throw new Error(`${options.name} ${what}\n${child.recentLog()}`, { cause: lastFailure })
}
