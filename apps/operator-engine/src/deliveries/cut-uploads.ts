import type { ConsumerUpload } from '@c2d/storage'

/** Within the time that an engine has to end. */
const TAKE_BACK_MS = 5_000

/**
 * Uploads that a signal cuts off, all but those that take back what was sent: a delivery that is cut would leave its
 * parts in the consumer's bucket, and on their bill.
 */
export function cutUploads(upload: ConsumerUpload, signal: AbortSignal): ConsumerUpload {
  return (url, init) => {
    const cut = init.method === 'DELETE' ? AbortSignal.timeout(TAKE_BACK_MS) : signal
    return upload(url, { ...init, signal: init.signal ? AbortSignal.any([init.signal, cut]) : cut })
  }
}
