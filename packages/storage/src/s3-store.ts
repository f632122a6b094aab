import type { Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'
import { createDirectPut } from './s3-direct-put.ts'
import { createPartBuffers } from './part-buffers.ts'
import { assertResultPath, formatResultAddress, parseResultAddress } from './result-address.ts'
import { resultNotFound, type ResultStore } from './result-store.ts'
import type { S3Target } from './results-config.ts'
import { buildS3ClientConfig, buildS3Encryption } from './s3-client-config.ts'
import { emptyS3Prefix } from './s3-removal.ts'
import { uploadToS3 } from './s3-upload.ts'

const MAX_KEY_BYTES = 1024
/** What all uploads of a store hold at once: five parts of the usual size, or many small files. */
const UPLOAD_BYTES = 25 * 1024 ** 2

/**
 * Results in a bucket: private objects `<prefix><jobId>/<path>`, addressed as `s3:<jobId>/<path>`. Large ones go in
 * parts; a part that fails is sent again, and an upload that fails leaves none. What lies in `adminlogs/` may go to a
 * bucket of its own. The SDK is loaded when the first object is asked for.
 */
export function createS3Store(target: S3Target): ResultStore & { close(): void } {
  const encryption = buildS3Encryption(target)
  const buffers = createPartBuffers({ maxBytes: UPLOAD_BYTES })
  let opened: ReturnType<typeof openClient> | undefined

  async function openClient() {
    const sdk = await import('@aws-sdk/client-s3')
    const client = new sdk.S3Client(buildS3ClientConfig(target))
    return { sdk, client, direct: createDirectPut(target, client) }
  }

  function open() {
    opened ??= openClient()
    return opened
  }

  function locate(jobId: string, path: string): { Bucket: string; Key: string } {
    const Key = `${target.prefix}${jobId}/${assertResultPath(path)}`
    if (Buffer.byteLength(Key) > MAX_KEY_BYTES) {
      throw new AppError('InvalidRequest', { detail: 'The path of the result is too long for a bucket.' })
    }
    const isAdminLog = path.startsWith('adminlogs/')
    return { Bucket: isAdminLog ? (target.adminlogsBucket ?? target.bucket) : target.bucket, Key }
  }

  function locateUrl(url: string): { Bucket: string; Key: string } {
    const { backend, jobId, path } = parseResultAddress(url)
    if (backend !== 's3') throw resultNotFound()
    return locate(jobId, path)
  }

  return {
    async put(jobId, path, source, options) {
      const url = formatResultAddress({ backend: 's3', jobId, path })
      const place = locate(jobId, path)
      try {
        const { sdk, client, direct } = await open()
        const deps = { sdk, client, buffers, translate, putDirectly: direct?.put }
        const stored = await uploadToS3(source, { place, ...encryption, sizeBytes: options?.sizeBytes ?? null }, deps)
        return { url, ...stored }
      } finally {
        source.destroy()
      }
    },

    async stat(url) {
      const place = locateUrl(url)
      const { sdk, client } = await open()
      try {
        const head = await client.send(new sdk.HeadObjectCommand({ ...place, ...encryption.access }))
        return { sizeBytes: head.ContentLength ?? 0 }
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    async open(url, range) {
      const place = locateUrl(url)
      const { sdk, client } = await open()
      try {
        const answer = await client.send(
          new sdk.GetObjectCommand({
            ...place,
            ...encryption.access,
            ...(range ? { Range: `bytes=${range.start}-${range.end}` } : {}),
          }),
        )
        // Servers that know no ranges answer with the whole object.
        if (range && !answer.ContentRange?.startsWith(`bytes ${range.start}-${range.end}/`)) {
          throw new Error(`asked for bytes ${range.start}-${range.end}, given ${answer.ContentRange ?? 'all'}`)
        }
        return answer.Body as Readable // in Node a stream, always (SDK: SdkStreamMixin over IncomingMessage)
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    async remove(jobId) {
      const { sdk, client } = await open()
      try {
        for (const Bucket of new Set([target.bucket, target.adminlogsBucket ?? target.bucket])) {
          await emptyS3Prefix({ Bucket, Prefix: `${target.prefix}${jobId}/` }, { sdk, client })
        }
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    async discard(url) {
      const place = locateUrl(url)
      const { sdk, client } = await open()
      try {
        await client.send(new sdk.DeleteObjectCommand(place))
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    close() {
      opened?.then(
        ({ client, direct }) => {
          direct?.close()
          client.destroy()
        },
        () => undefined, // never opened: nothing to close
      )
    },
  }
}

/** What the server said stays in the cause: it names buckets and keys. */
function translate(thrown: unknown): Error {
  if (thrown instanceof AppError) return thrown
  const { name, $metadata } = thrown as { name?: string; $metadata?: { httpStatusCode?: number } }
  if (name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404) return resultNotFound()
  return new AppError('UpstreamUnavailable', { detail: 'The storage of results does not answer.', cause: thrown })
}
