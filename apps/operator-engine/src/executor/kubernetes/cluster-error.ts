import { ExecutorUnavailableError } from '../executor.ts'

/** The API server answered, and refused. */
export class ClusterError extends Error {
  /** HTTP status, e.g. 404, 409, 422. */
  readonly status: number
  /** The cluster's own word for it, e.g. `AlreadyExists`, `Forbidden`, `Expired`. */
  readonly reason: string
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'ClusterError'
    this.status = status
    this.reason = reason
  }
}

/** The API server did not answer, or not now: nothing is known of what was asked, and it is worth asking again. */
export class ClusterUnavailableError extends ExecutorUnavailableError {
  constructor(what: string, options?: ErrorOptions) {
    super(`the Kubernetes API cannot be reached: ${what}`, options)
    this.name = 'ClusterUnavailableError'
  }
}

/** The cluster has no room for an object now, by a quota: worth asking again, and no job is to blame. */
export class ClusterFullError extends ExecutorUnavailableError {
  constructor(message: string) {
    super(`no room in the cluster: ${message}`)
    this.name = 'ClusterFullError'
  }
}

/** Whether an error is the API server's refusal with this status. */
export function isRefusedWith(error: unknown, ...statuses: number[]): boolean {
  return error instanceof ClusterError && statuses.includes(error.status)
}
