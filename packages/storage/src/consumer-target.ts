import type { Readable } from 'node:stream'
import type { ConsumerStorage } from '@c2d/contracts'
import { putConsumerObject } from './consumer-target-s3.ts'
import { refusedBy, type ConsumerUpload, type SendToConsumer } from './consumer-upload.ts'
import { measureBytes } from './measure-bytes.ts'
import { assertResultPath } from './result-address.ts'

/** A place of the consumer's own. Nothing there can be read back or removed: it is theirs. */
export interface ConsumerTarget {
  /**
   * Puts one file there.
   * @param file.path below the job, with `/`
   * @param file.sizeBytes exactly, or null where it is not known before
   * @returns what was read and sent
   * @throws what the source failed with, or AppError: `UpstreamUnavailable` may pass, anything else will not; without
   *   address or key
   */
  put(file: {
    path: string
    sizeBytes: number | null
    source: Readable
  }): Promise<{ sizeBytes: number; sha256: string }>
}

/** Opens a consumer's own storage for the outputs of one job: everything goes below a folder named after it. */
export function createConsumerTarget(
  storage: ConsumerStorage,
  options: { jobId: string },
  deps: { upload: ConsumerUpload },
): ConsumerTarget {
  const send =
    storage.type === 's3' ? putConsumerObject(storage, { folder: `${options.jobId}/` }, deps) : putBelow(storage, deps)
  return {
    async put({ path, sizeBytes, source }) {
      try {
        return await send(`${options.jobId}/${assertResultPath(path)}`, sizeBytes, source)
      } finally {
        source.destroy()
      }
    },
  }
}

function putBelow(
  storage: Extract<ConsumerStorage, { type: 'url' }>,
  { upload }: { upload: ConsumerUpload },
): SendToConsumer {
  return async (name, sizeBytes, source) => {
    const measured = measureBytes(source)
    const { status } = await upload(storage.url + name.split('/').map(encodeURIComponent).join('/'), {
      method: 'PUT',
      headers: {
        'Content-Type': 'application/octet-stream',
        ...storage.headers,
        ...(sizeBytes === null ? {} : { 'Content-Length': String(sizeBytes) }),
      },
      body: measured.stream,
    }).catch((thrown: unknown) => {
      measured.stream.destroy()
      throw measured.failure() ?? thrown
    })
    if (status >= 200 && status <= 299) return measured.total()
    measured.stream.destroy()
    throw measured.failure() ?? refusedBy(status)
  }
}
