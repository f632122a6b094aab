import type { Readable } from 'node:stream'
import type * as S3Sdk from '@aws-sdk/client-s3'
import { AppError } from '@c2d/runtime'
import { measureBytes } from './measure-bytes.ts'
import { assertResultPath, formatResultAddress, parseResultAddress } from './result-address.ts'
import { resultNotFound, type ResultStore } from './result-store.ts'
import type { S3Target } from './results-config.ts'
import { buildS3ClientConfig, buildS3Encryption } from './s3-client-config.ts'
import { emptyS3Prefix } from './s3-removal.ts'

const MAX_KEY_BYTES = 1024
const MIN_PART_BYTES = 8 * 1024 ** 2
const MAX_PARTS = 10_000
/** Parts in flight of one upload: with their size, what an upload holds in memory. */
const PARTS_AT_ONCE = 3

/**
 * Results in a bucket: private objects `<prefix><jobId>/<path>`, addressed as `s3:<jobId>/<path>`. Large ones go in
 * parts; a part that fails is sent again, and an upload that fails leaves none. What lies in `adminlogs/` may go to a
 * bucket of its own. The SDK is loaded when the first object is asked for.
 */
export function createS3Store(target: S3Target): ResultStore & { close(): void } {
  const encryption = buildS3Encryption(target)
  let opened: Promise<{ sdk: typeof S3Sdk; client: S3Sdk.S3Client }> | undefined

  function open() {
    opened ??= import('@aws-sdk/client-s3').then((sdk) => ({
      sdk,
      client: new sdk.S3Client(buildS3ClientConfig(target)),
    }))
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
      const { client } = await open()
      const { Upload } = await import('@aws-sdk/lib-storage')
      const measured = measureBytes(source)
      const upload = new Upload({
        client,
        params: {
          ...place,
          Body: measured.stream,
          ContentType: 'application/octet-stream',
          ...encryption.create,
          ...encryption.access,
        },
        partSize: Math.max(MIN_PART_BYTES, Math.ceil((options?.sizeBytes ?? 0) / MAX_PARTS)),
        queueSize: PARTS_AT_ONCE,
        leavePartsOnError: false,
      })
      try {
        await upload.done()
      } catch (thrown) {
        measured.stream.destroy()
        throw measured.failure() ?? translate(thrown)
      }
      return { url, ...measured.total() }
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
      opened?.then(({ client }) => client.destroy()).catch(() => undefined) // never opened: nothing to close
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
