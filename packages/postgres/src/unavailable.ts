/** SQLSTATEs of a server that cannot serve now: connection lost, rolled back, full, ending, too slow (Appendix A). */
const UNAVAILABLE_STATE = /^(08|40|53|57P0|57014$|55000$|25P03$)/
/** What the system says of a peer that is not there. */
const UNAVAILABLE_SYSTEM = /^(ECONN|EPIPE$|ETIMEDOUT$|EHOSTUNREACH$|ENETUNREACH$|ENOTFOUND$|EAI_AGAIN$)/
/** What the driver and the pool say without a code. */
const UNAVAILABLE_TEXT =
  /Connection terminated|timeout expired|Timeout acquiring a connection|the database was silent|not queryable/

/**
 * Whether a failed statement says that the database cannot be reached or cannot serve now, and so may pass later; any
 * other failure is about the statement.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && (UNAVAILABLE_STATE.test(code) || UNAVAILABLE_SYSTEM.test(code))) return true
  return typeof message === 'string' && UNAVAILABLE_TEXT.test(message)
}
