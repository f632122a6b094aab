import { Readable } from 'node:stream'
import type * as S3Sdk from '@aws-sdk/client-s3'
import type { ConsumerStorage } from '@c2d/contracts'
import { AppError, toError } from '@c2d/runtime'
import { z } from 'zod'
import { refusedBy, type ConsumerUpload, type SendToConsumer } from './consumer-upload.ts'
import { createPartBuffers } from './part-buffers.ts'
import { uploadToS3 } from './s3-upload.ts'

/** What all files on their way to one consumer hold at once. */
const UPLOAD_BYTES = 15 * 1024 ** 2
/** More than a try sends at once, and a page of them fits into what is read of an answer. */
const MAX_LEFTOVERS = 50
const LOOK_MS = 10_000

type S3Storage = Extract<ConsumerStorage, { type: 's3' }>

interface Opened {
  sdk: typeof S3Sdk
  client: S3Sdk.S3Client
}

/**
 * Puts files into a consumer's bucket: the SDK signs and cuts into parts, the guarded client sends. The consumer's keys
 * are all it uses; those of this machine are never spent on a consumer's address.
 * @param options.folder of the job, below the prefix: nobody else writes there, and nobody but this target does now
 */
export function putConsumerObject(
  storage: S3Storage,
  options: { folder: string },
  { upload }: { upload: ConsumerUpload },
): SendToConsumer {
  const buffers = createPartBuffers({ maxBytes: UPLOAD_BYTES })
  const folder = { Bucket: storage.bucket, Prefix: storage.prefix + options.folder }
  let opened: Promise<Opened> | undefined
  let swept: Promise<void> | undefined
  return async (name, sizeBytes, source) => {
    const { sdk, client } = await (opened ??= openClient(storage, upload))
    const place = { Bucket: storage.bucket, Key: storage.prefix + name }
    // Once, and before any upload of this target begins: what is unfinished by then is of a try that was cut.
    const beforeParts = () => (swept ??= abortLeftovers(folder, { sdk, client }))
    return uploadToS3(source, { place, sizeBytes }, { sdk, client, buffers, translate, beforeParts })
  }
}

/**
 * Ends uploads that an earlier try began and could not end, because it was killed: the consumer pays for their parts
 * until somebody does. Keys that may not list, and servers that keep no list, leave it to the bucket's own rules.
 */
async function abortLeftovers(folder: { Bucket: string; Prefix: string }, { sdk, client }: Opened): Promise<void> {
  const { Bucket, Prefix } = folder
  const abortSignal = AbortSignal.timeout(LOOK_MS)
  try {
    const list = new sdk.ListMultipartUploadsCommand({ ...folder, MaxUploads: MAX_LEFTOVERS })
    const { Uploads = [] } = await client.send(list, { abortSignal })
    for (const { Key, UploadId } of Uploads) {
      if (!Key?.startsWith(Prefix)) continue // a server's word: nothing else of the consumer's is ended by it
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }), { abortSignal })
    }
  } catch {
    // Nothing depends on it: the file itself is sent either way.
  }
}

async function openClient(storage: S3Storage, upload: ConsumerUpload): Promise<Opened> {
  const sdk = await import('@aws-sdk/client-s3')
  const { region, endpoint, accessKeyId, secretAccessKey, sessionToken } = storage
  const client = new sdk.S3Client({
    region,
    endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
    forcePathStyle: storage.forcePathStyle,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    disableS3ExpressSessionAuth: true,
    maxAttempts: 3,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      async handle(request: unknown, init: { abortSignal?: unknown } = {}) {
        const { url, ...asked } = parseRequest(request)
        const signal = init.abortSignal instanceof AbortSignal ? init.abortSignal : undefined
        const answer = await upload(url, { ...asked, signal })
        const headers = Object.entries(answer.headers).map(([key, value]) => [key, String(value)])
        return {
          response: {
            statusCode: answer.status,
            headers: Object.fromEntries(headers) as Record<string, string>,
            body: Readable.from(answer.body.length > 0 ? [answer.body] : [], { objectMode: false }),
          },
        }
      },
    },
  })
  return { sdk, client }
}

const requestSchema = z.object({
  method: z.string(),
  protocol: z.string(),
  hostname: z.string(),
  port: z.number().optional(),
  path: z.string(),
  query: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  headers: z.record(z.string(), z.string()),
  body: z.union([z.string(), z.instanceof(Uint8Array)]).nullish(),
})

/** The request as the SDK signed it. */
function parseRequest(request: unknown) {
  const { method, protocol, hostname, port, path, query, headers, body } = requestSchema.parse(request)
  const search = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`)
    .join('&')
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  // A key with steps up is another address once a client has resolved it, perhaps of another bucket.
  if (url.pathname !== path) throw new AppError('InvalidRequest', { detail: 'The key is no path of a web address.' })
  url.search = search
  const { host: _host, 'user-agent': _agent, ...sent } = headers
  return { url: url.href, method, headers: sent, body: body ?? null }
}

function translate(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const status = (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (status !== undefined && status >= 300) return refusedBy(status)
  return new AppError('UpstreamUnavailable', { detail: 'The storage does not answer.', cause: toError(thrown) })
}
