import {
  markNotificationDelivered,
  markNotificationFailed,
  takeDueNotifications,
  type DueNotification,
} from '@c2d/operator-db'
import type { GuardedFetch } from '@c2d/http-kit'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'

const SEND_TIMEOUT_MS = 10_000
/** Longer than a call may take, so that no notification is sent by two engines at once. */
const LEASE_SECONDS = 30
const FIRST_RETRY_SECONDS = 5
const LONGEST_RETRY_SECONDS = 3_600
/** About half a day with the pauses in between. */
const MAX_ATTEMPTS = 20
const BATCH = 20

export interface DeliverDeps {
  db: Database
  fetch: GuardedFetch
  log: Logger
  signal: AbortSignal
}

/**
 * Sends what is due from the outbox (operator-engine-behaviour §10). A receiver that does not answer costs only itself:
 * each call has a limit, what failed is due again later, and what was never answered is given up in the end.
 */
export async function deliverNotifications(environments: readonly string[], deps: DeliverDeps): Promise<void> {
  let due: DueNotification[]
  do {
    due = await takeDueNotifications(deps.db, { environments, leaseSeconds: LEASE_SECONDS, limit: BATCH })
    await Promise.all(due.map((notification) => deliver(notification, deps)))
  } while (due.length === BATCH && !deps.signal.aborted)
}

async function deliver(notification: DueNotification, { db, fetch, log, signal }: DeliverDeps): Promise<void> {
  const { id, jobId, kind, attempt } = notification
  try {
    const response = await fetch(notification.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(notification.body),
      signal: AbortSignal.any([AbortSignal.timeout(SEND_TIMEOUT_MS), signal]),
    })
    await response.body?.cancel() // what it says is not ours to read, only whether it took it
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`)
  } catch (thrown) {
    const retryInSeconds = attempt < MAX_ATTEMPTS ? retrySeconds(attempt) : null
    const error = toError(thrown)
    log.warn({ jobId, kind, attempt, retryInSeconds, err: error }, 'a notification did not arrive')
    await markNotificationFailed(db, { id, retryInSeconds, error: error.message })
    return
  }
  await markNotificationDelivered(db, id)
  log.info({ jobId, kind, attempt }, 'notification delivered')
}

/** The pause after a failed attempt, in seconds: doubling, up to an hour. @param attempt from 1 */
function retrySeconds(attempt: number): number {
  return Math.min(FIRST_RETRY_SECONDS * 2 ** (attempt - 1), LONGEST_RETRY_SECONDS)
}
