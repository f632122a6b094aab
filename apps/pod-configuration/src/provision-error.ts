import type { Reason } from '@c2d/contracts'

/** What a job's end is blamed on when provisioning fails; the sentence goes to the consumer, so no address in it. */
export class ProvisionError extends Error {
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ProvisionError'
    this.reason = reason
  }
}
