import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from './connection.ts'
import { isDatabaseUnavailable } from './unavailable.ts'

const PAUSE_MS = 250
/** Of two lines about the same wait. */
const REPEAT_MS = 10_000

/** How a service waits for its database. */
export interface DatabaseWait {
  /**
   * Asks for what is needed.
   * @returns null when it is there, else what is missing, in words
   * @throws what a database says that is away, which is waited for; anything else ends the wait
   */
  ask: () => Promise<string | null>
  /** How long to wait, in milliseconds. */
  patienceMs: number
  /** Ends the wait early. */
  signal: AbortSignal
  /** Told what is missing: at first, when that changes, and now and then. */
  onWaiting: (missing: string) => void
}

/**
 * Waits until a database has what a service needs before it can begin: servers and services are started in any order, and a
 * server may be restarting in this very moment. What waiting does not mend, a wrong password say, is thrown at once.
 * @returns false when the signal fired first
 * @throws Error with what is missing when the patience is over, or what `ask` threw
 */
export async function waitForDatabase({ ask, patienceMs, signal, onWaiting }: DatabaseWait): Promise<boolean> {
  const giveUpAtMs = performance.now() + patienceMs
  let said: { missing: string; atMs: number } | undefined
  for (;;) {
    const { missing, cause } = await look(ask)
    if (missing === null) return true
    if (signal.aborted) return false
    const nowMs = performance.now()
    if (nowMs > giveUpAtMs) throw new Error(missing, { cause })
    if (said?.missing !== missing || nowMs - said.atMs > REPEAT_MS) {
      said = { missing, atMs: nowMs }
      onWaiting(missing)
    }
    await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined) // aborted: the last look tells
  }
}

/** Asks no more than that the database answers; for `DatabaseWait.ask`. */
export async function askWhetherItAnswers(db: Database): Promise<null> {
  await db.raw('SELECT 1')
  return null
}

async function look(ask: () => Promise<string | null>): Promise<{ missing: string | null; cause?: unknown }> {
  try {
    return { missing: await ask() }
  } catch (cause) {
    if (!isDatabaseUnavailable(cause)) throw cause
    return { missing: `the database cannot be reached: ${describe(cause)}`, cause }
  }
}

/** Where both addresses of a name refuse, Node's error has a code and no words. */
function describe(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown }
  return typeof message === 'string' && message !== '' ? message : String(code)
}
